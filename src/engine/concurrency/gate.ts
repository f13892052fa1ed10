/** Holds work back while a migration is paused. */
export class Gate {
  #opened: PromiseWithResolvers<void> | undefined;
  #closings = 0;

  get closed(): boolean {
    return this.#opened !== undefined;
  }

  /** How often it was closed, for callers that may miss a closure. */
  get closings(): number {
    return this.#closings;
  }

  close(): void {
    if (this.#opened !== undefined) return;
    this.#closings += 1;
    this.#opened = Promise.withResolvers();
  }

  open(): void {
    this.#opened?.resolve();
    this.#opened = undefined;
  }

  /** Resolves once the gate is open. @throws the signal's reason when it aborts first */
  async pass(signal: AbortSignal): Promise<void> {
    while (this.#opened !== undefined) {
      const aborted = Promise.withResolvers<void>();
      const onAbort = () => aborted.resolve();
      signal.addEventListener('abort', onAbort, { once: true });
      await Promise.race([this.#opened.promise, aborted.promise]);
      signal.removeEventListener('abort', onAbort);
      signal.throwIfAborted();
    }
    signal.throwIfAborted();
  }
}
