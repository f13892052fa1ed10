/** Pseudo-random numbers that are the same for the same seed (mulberry32). */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Returns a number in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Returns an integer in [0, below). */
  integer(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** Returns one of the items. @throws Error when there is none */
  pick<T>(from: readonly T[]): T {
    const picked = from[this.integer(from.length)];
    if (picked === undefined) throw new Error('nothing to pick from');
    return picked;
  }

  /** Returns at most `count` of the items in random order. */
  sample<T>(from: readonly T[], count: number): T[] {
    const rest = [...from];
    const sample: T[] = [];
    while (sample.length < count && rest.length > 0) {
      const index = this.integer(rest.length);
      const last = rest.pop();
      const picked = index < rest.length ? rest[index] : last;
      if (picked === undefined || last === undefined) break;
      if (index < rest.length) rest[index] = last;
      sample.push(picked);
    }
    return sample;
  }

  /** Returns one of the keys, with a probability in proportion to its weight. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const entries = Object.entries(weights) as [K, number][];
    let rest = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [key, weight] of entries) {
      rest -= weight;
      if (rest < 0) return key;
    }
    return this.pick(entries)[0];
  }

  /** Returns `bytes` random bytes. */
  bytes(bytes: number): Buffer {
    return Buffer.from(Array.from({ length: bytes }, () => this.integer(256)));
  }
}
