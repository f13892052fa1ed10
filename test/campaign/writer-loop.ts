import { setTimeout as delay } from 'node:timers/promises';

/** One operation of a writer. Rejects when the server refuses it. */
export type WriteStep = () => Promise<unknown>;

/** Runs operations one after the other until stopped. Ignores refused and failed operations. */
export class WriterLoop {
  readonly #step: WriteStep;
  readonly #everyMs: number;
  readonly #rests: () => boolean;
  readonly #running: Promise<void>;
  #stopped = false;
  #held: Promise<void> | undefined;
  #current: Promise<void> | undefined;
  accepted = 0;

  /** @param rests  whether to run no operation at the moment */
  constructor(step: WriteStep, everyMs: number, rests: () => boolean = () => false) {
    this.#step = step;
    this.#everyMs = everyMs;
    this.#rests = rests;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** Waits for the current operation, and runs no further one until the result is disposed of. */
  async hold(): Promise<Disposable> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held = promise;
    await this.#current;
    return {
      [Symbol.dispose]: () => {
        this.#held = undefined;
        resolve();
      },
    };
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await delay(this.#everyMs);
      if (this.#rests()) continue;
      if (this.#held !== undefined) await this.#held;
      this.#current = this.#step().then(
        () => {
          this.accepted += 1;
        },
        () => undefined,
      );
      await this.#current;
    }
  }
}
