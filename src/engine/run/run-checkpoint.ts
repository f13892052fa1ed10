import { reach } from '../../platform/index.ts';
import type { MigrationFields } from '../records/checkpoint-store.ts';
import { recordedCounts } from '../records/counters.ts';
import type { RunParts } from './parts.ts';

const EVERY_MS = 5_000;

/** The part of the change stream that a checkpoint records. */
type Position = Required<Pick<MigrationFields, 'token' | 'watchedTo'>>;

/** The checkpoint of a run: where its successor resumes, and what it has counted. */
export class RunCheckpoint {
  readonly #context: RunParts;
  readonly #position: () => Position | undefined;

  /** @param position  returns undefined before the run follows the source */
  constructor(context: RunParts, position: () => Position | undefined) {
    this.#context = context;
    this.#position = position;
  }

  /** Saves regularly, until the run ends. */
  async keep(): Promise<void> {
    const { clock, signal } = this.#context;
    while (!signal.aborted) {
      await clock.sleep(EVERY_MS, signal);
      if (!signal.aborted) await this.save();
    }
  }

  async save(): Promise<void> {
    await this.#context.checkpoint.save(() => this.#fields());
    await this.#reached();
  }

  /** Saves once more after the run's signal has aborted, without retries. */
  async saveLast(): Promise<void> {
    await this.#context.checkpoint.unretried.save(this.#fields());
    await this.#reached();
  }

  /** Without a position, the write itself shows other engines that this one runs the migration. */
  #fields(): MigrationFields {
    const position = this.#position();
    return position === undefined ? {} : { ...position, counts: recordedCounts(this.#context.counters) };
  }

  async #reached(): Promise<void> {
    if (this.#position() !== undefined) await reach('engine.checkpoint.saved');
  }
}
