/** Wakes a loop of this process early. Losing a ring is harmless, because the loop also checks at intervals. */
export class Alarm {
  #next = new AbortController();

  /** A signal that aborts at the next ring. Read it before you look for work, or you miss a ring in between. */
  get next(): AbortSignal {
    return this.#next.signal;
  }

  ring(): void {
    this.#next.abort();
    this.#next = new AbortController();
  }
}
