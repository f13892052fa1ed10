/** Numbers that look random and are the same for the same seed (mulberry32). */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer in [0, below). */
  integer(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** @throws Error when there is nothing to choose from */
  pick<T>(from: readonly T[]): T {
    const picked = from[this.integer(from.length)];
    if (picked === undefined) throw new Error('nothing to pick from');
    return picked;
  }

  /** At most `count` of them, in another order. */
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

  /** One of the keys, each as often as its weight says. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const entries = Object.entries(weights) as [K, number][];
    let rest = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [key, weight] of entries) {
      rest -= weight;
      if (rest < 0) return key;
    }
    return this.pick(entries)[0];
  }

  /** `bytes` bytes. */
  bytes(bytes: number): Buffer {
    return Buffer.from(Array.from({ length: bytes }, () => this.integer(256)));
  }
}
