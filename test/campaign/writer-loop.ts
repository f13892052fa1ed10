import { setTimeout as delay } from 'node:timers/promises';

/** One operation of a writer. Rejects when the server refuses it. */
export type WriteStep = () => Promise<unknown>;

/** Runs operations one after the other until stopped. Ignores refused and failed operations. */
export class WriterLoop {
  readonly #step: WriteStep;
  readonly #everyMs: number;
  readonly #running: Promise<void>;
  #stopped = false;
  accepted = 0;

  constructor(step: WriteStep, everyMs: number) {
    this.#step = step;
    this.#everyMs = everyMs;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await delay(this.#everyMs);
      await this.#step().then(
        () => {
          this.accepted += 1;
        },
        () => undefined,
      );
    }
  }
}
