/** A client that takes a part of something that all clients share, by each of its names that is known. */
export interface Holder {
  /** An IPv4 address or an IPv6 /64 block, as `addressGroup` returns it. */
  readonly address?: string;
  readonly account?: string;
  readonly organization?: string;
}

type Kind = keyof Holder;

/** The whole, and the most that one address, account or organization takes of it. */
interface ShareLimits {
  readonly total: number;
  readonly each: Readonly<Partial<Record<Kind, number>>>;
}

/** The limit that an amount would exceed; `total` also when it would be more than is left free. */
export type Exceeded = Kind | 'total';

/**
 * Shares an amount, such as bytes or places, among clients. A client takes up to its limit, and never more than it leaves
 * free: one alone gets half of the whole, and the next one finds room (dynamic thresholds, as in the buffers of network
 * switches: Choudhury and Hahne, 1998).
 */
export class Shares {
  readonly #limits: ShareLimits;
  readonly #held: Readonly<Record<Kind, Map<string, number>>> = {
    address: new Map(),
    account: new Map(),
    organization: new Map(),
  };
  #taken = 0;

  constructor(limits: ShareLimits) {
    this.#limits = limits;
  }

  /** The amount that is taken now. */
  get taken(): number {
    return this.#taken;
  }

  /**
   * Takes an amount; {@link release} returns it.
   * @returns the limit that it would exceed; undefined when it is taken
   */
  take(holder: Holder, amount: number): Exceeded | undefined {
    const { total, each } = this.#limits;
    const free = total - this.#taken - amount;
    const names = namesOf(holder).map(([kind, name]) => ({ kind, held: this.#heldBy(kind, name) + amount }));
    const exceeded = names.find(({ kind, held }) => held > (each[kind] ?? total));
    if (exceeded !== undefined) return exceeded.kind;
    // rule: leave-as-much-free
    if (free < 0 || names.some(({ held }) => held > free)) return 'total';
    this.hold(holder, amount);
    return undefined;
  }

  /** Counts an amount that was taken before this process, whatever the limits. */
  hold(holder: Holder, amount: number): void {
    for (const [kind, name] of namesOf(holder)) this.#held[kind].set(name, this.#heldBy(kind, name) + amount);
    this.#taken += amount;
  }

  release(holder: Holder, amount: number): void {
    for (const [kind, name] of namesOf(holder)) {
      const left = this.#heldBy(kind, name) - amount;
      if (left > 0) this.#held[kind].set(name, left);
      else this.#held[kind].delete(name);
    }
    this.#taken -= amount;
  }

  #heldBy(kind: Kind, name: string): number {
    return this.#held[kind].get(name) ?? 0;
  }
}

function namesOf(holder: Holder): [Kind, string][] {
  return (['address', 'account', 'organization'] as const).flatMap((kind) => {
    const name = holder[kind];
    return name === undefined ? [] : [[kind, name] satisfies [Kind, string]];
  });
}
