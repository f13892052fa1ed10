/** Wakes a loop of this process before its time. Nothing of worth is lost with it: the loop looks by itself, too. */
export class Alarm {
  #next = new AbortController();

  /** Aborts when it rings the next time. Take it before looking for work, or a ring in between is lost. */
  get next(): AbortSignal {
    return this.#next.signal;
  }

  ring(): void {
    this.#next.abort();
    this.#next = new AbortController();
  }
}
