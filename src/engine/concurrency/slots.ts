/** Limits how many tasks run at a time, in order of arrival. The limit may change while they run. */
export class Slots {
  #count: number;
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#count = count;
  }

  /** Sets the limit. A lower one takes effect as tasks end. */
  resize(count: number): void {
    this.#count = count;
    this.#admit();
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    await new Promise<void>((admitted) => {
      this.#waiting.push(admitted);
      this.#admit();
    });
    try {
      return await task();
    } finally {
      this.#taken -= 1;
      this.#admit();
    }
  }

  #admit(): void {
    while (this.#taken < this.#count) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#taken += 1;
      next();
    }
  }
}
