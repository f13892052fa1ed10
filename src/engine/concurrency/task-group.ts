import { setTimeout as delay } from 'node:timers/promises';

/** Less than the time that an agent has to shut down. */
const STOPS_WITHIN_MS = 4_000;

/** Tasks that end together: the first failure aborts all, and becomes the group's failure. */
export class TaskGroup {
  readonly #controller = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  /** Aborts when the group stops, by failure or by request. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  start(task: () => Promise<void>): Promise<void> {
    const running = task()
      .catch((error: unknown) => {
        // A failure after the abort is a consequence of it.
        if (!this.signal.aborted) this.#failure = { error };
        this.#controller.abort(error);
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
    return running;
  }

  /**
   * Ends all tasks and waits for them, but not for requests that a server answers after hours: closing the connections
   * ends those.
   * @throws the first failure, if that ended the group
   */
  async stop(): Promise<void> {
    this.#controller.abort();
    const ended = new AbortController();
    const late = delay(STOPS_WITHIN_MS, undefined, { signal: ended.signal }).catch(() => undefined);
    await Promise.race([this.#allEnded(), late]);
    ended.abort();
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #allEnded(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
