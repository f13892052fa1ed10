/** Lets a number of tasks run at a time, in order of arrival. The number may change while they run. */
export class Slots {
  #count: number;
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#count = count;
  }

  /** Fewer slots take effect as tasks end. */
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
