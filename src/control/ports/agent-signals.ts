/** Looking at a source opens connections to it. */
const INVENTORY_AT_MOST_EVERY_MS = 10_000;

/** Tells the long polls of one process that something may have changed for an agent. */
export class AgentSignals {
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #inventoryWantedAtMs = new Map<string, number>();
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

  /** Asks an agent to look at its sources anew, unless it was asked a moment ago. Nothing of worth is lost with this process. */
  wantInventory(agentId: string, nowMs: number): void {
    const wantedAtMs = this.#inventoryWantedAtMs.get(agentId) ?? Number.NEGATIVE_INFINITY;
    if (nowMs - wantedAtMs < INVENTORY_AT_MOST_EVERY_MS) return;
    this.#inventoryWantedAtMs.set(agentId, nowMs);
    this.wake(agentId);
  }

  /** When an agent was last asked for its inventory. */
  inventoryWantedAtMs(agentId: string): number | undefined {
    return this.#inventoryWantedAtMs.get(agentId);
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
