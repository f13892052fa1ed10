import { DigestRelay } from './digest-relay.ts';

/** Minimum time between two inventories of an agent, because each opens connections to the sources. */
const INVENTORY_AT_MOST_EVERY_MS = 10_000;

/** Wakes the long polls of this process when something may have changed for an agent. */
export class AgentSignals {
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #inventoryWantedAtMs = new Map<string, number>();
  #closed = false;
  /** Questions to digest helpers, which poll like agents. */
  readonly digests = new DigestRelay();

  /**
   * Starts to listen. Call this before you read the state to compare, or you miss a change in between.
   * @returns a promise that resolves when the agent is woken
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

  /** Asks an agent to read its sources again, unless it was asked in the last 10 s. The request is lost when this process ends, which is harmless. */
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

  /** Wakes the long poll of an agent. Call this after a change of its wanted state is committed. */
  wake(agentId: string): void {
    for (const resolve of this.#waiting.get(agentId) ?? []) resolve();
  }

  /** Ends all current and later waits, because the server stops. */
  close(): void {
    this.#closed = true;
    this.digests.close();
    for (const agentId of this.#waiting.keys()) this.wake(agentId);
  }
}
