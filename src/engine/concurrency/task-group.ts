import { setTimeout as delay } from 'node:timers/promises';

/** Less than an agent has to end. */
const STOPS_WITHIN_MS = 4_000;

/** Tasks that live and die together: the first failure aborts all, and is what the group failed of. */
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
        // What fails after the end fails because of it.
        if (!this.signal.aborted) this.#failure = { error };
        this.#controller.abort(error);
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
    return running;
  }

  /**
   * Ends all tasks and waits for them, but not for what a server takes hours to answer: closing the connections ends that.
   * @throws the first failure, if that is what ended the group
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
