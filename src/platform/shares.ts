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

/** The limit that an amount would exceed. */
export type Exceeded = Kind | 'total';

/** From this part of the whole on, everyone gets an even part at most. */
const CONTENDED = 0.5;

/**
 * Shares an amount, such as bytes or places, among clients. While little is taken, a client takes up to its limit. Once more
 * than half of the whole is taken, nobody takes more than an even part of it: who came first leaves room for who comes next.
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
    if (this.#taken + amount > this.#limits.total) return 'total';
    const names = namesOf(holder);
    const exceeded = names.find(
      ([kind, name]) => this.#heldBy(kind, name) + amount > this.#limitOf(kind, name, amount),
    );
    if (exceeded !== undefined) return exceeded[0];
    for (const [kind, name] of names) this.#held[kind].set(name, this.#heldBy(kind, name) + amount);
    this.#taken += amount;
    return undefined;
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

  #limitOf(kind: Kind, name: string, amount: number): number {
    const { total, each } = this.#limits;
    const limit = each[kind] ?? Number.POSITIVE_INFINITY;
    // rule: even-share-when-contended
    if (this.#taken + amount <= total * CONTENDED) return limit;
    const held = this.#held[kind];
    return Math.min(limit, total / (held.size + (held.has(name) ? 0 : 1)));
  }
}

function namesOf(holder: Holder): [Kind, string][] {
  return (['address', 'account', 'organization'] as const).flatMap((kind) => {
    const name = holder[kind];
    return name === undefined ? [] : [[kind, name] satisfies [Kind, string]];
  });
}
