/** Tells the long polls of one process that something may have changed for an agent. */
export class AgentSignals {
  readonly #waiting = new Map<string, Set<() => void>>();
  #closed = false;

  /**
   * Begins to listen. Do so before reading the state that is compared, or a change in between is lost.
   * @returns what to await: it resolves when the agent is woken, and at once if it was since
   */
  listen(agentId: string): { readonly woken: Promise<void> } & Disposable {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#closed) resolve();
    const waiting = this.#waiting.get(agentId) ?? new Set();
    this.#waiting.set(agentId, waiting.add(resolve));
    return {
      woken: promise,
      [Symbol.dispose]: () => {
        waiting.delete(resolve);
        if (waiting.size === 0 && this.#waiting.get(agentId) === waiting) this.#waiting.delete(agentId);
      },
    };
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** After a committed change of what an agent is to do. */
  wake(agentId: string): void {
    for (const resolve of this.#waiting.get(agentId) ?? []) resolve();
  }

  /** Ends all waiting, now and later: the server stops. */
  close(): void {
    this.#closed = true;
    for (const agentId of this.#waiting.keys()) this.wake(agentId);
  }
}
