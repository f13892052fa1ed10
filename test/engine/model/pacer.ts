/** Lets writers continue only as far as the engine's named points allow, so that a schedule runs about the same each time. */
export class Pacer {
  #granted = 0;
  #started = 0;
  #finished = 0;
  #writers: number;
  #changed = Promise.withResolvers<void>();

  constructor(writers: number) {
    this.#writers = writers;
  }

  /** Whether all writers are done. */
  get exhausted(): boolean {
    return this.#writers === 0;
  }

  /** Runs one writer's operation when it is granted. */
  async turn<T>(operation: () => Promise<T>): Promise<T> {
    while (this.#started >= this.#granted) await this.#changed.promise;
    this.#started += 1;
    try {
      return await operation();
    } finally {
      this.#finished += 1;
      this.#change();
    }
  }

  /** A writer has no more operations. */
  leave(): void {
    this.#writers -= 1;
    this.#change();
  }

  /** Grants that many more operations, and waits until all that were granted are done. */
  async grant(operations: number): Promise<void> {
    // Unused grants of earlier points do not add up.
    this.#granted = Math.max(this.#granted, this.#started + operations);
    this.#change();
    const until = this.#granted;
    while (this.#finished < until && !this.exhausted) await this.#changed.promise;
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
