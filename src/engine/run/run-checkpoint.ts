import { failpoint } from '../../platform/index.ts';
import { unlessAborted } from '../concurrency/unless-aborted.ts';
import { historyOf } from '../mongodb/seen-history.ts';
import type { MigrationFields } from '../records/checkpoint-store.ts';
import type { Clusters, Pace, Records, Telling } from '../records/context.ts';
import { recordedCounts } from '../records/counters.ts';
import { isCutOff } from '../report/cut-off.ts';

const EVERY_MS = 5_000;
/** A source that doesn't answer must not delay the end of a run. */
const ANSWERS_WITHIN_MS = 1_000;

/** The part of the change stream that a checkpoint records. */
type Position = Required<Pick<MigrationFields, 'token' | 'watchedTo'>>;

/** The checkpoint of a run: where its successor resumes, and its counters. */
export class RunCheckpoint {
  readonly #context: Clusters & Records & Pace & Telling;
  readonly #position: () => Position | undefined;

  /** @param position  returns undefined before the run follows the source */
  constructor(context: Clusters & Records & Pace & Telling, position: () => Position | undefined) {
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
    await this.#confirmHistory();
    await this.#context.checkpoint.save(() => this.#fields());
    await this.#reached();
  }

  /** Saves once more after the run's signal has aborted, without retries. */
  async saveLast(): Promise<void> {
    await this.#confirmHistory();
    await this.#context.checkpoint.unretried.save(this.#fields());
    await this.#reached();
  }

  /**
   * Asks a new primary of the source for the history that earlier ones have shown. Until it has answered, the
   * checkpoint keeps an earlier time, and a restore of the source to a time in between would stay unnoticed.
   */
  async #confirmHistory(): Promise<void> {
    if (this.#position() === undefined) return;
    const { clock, source } = this.#context;
    // The next read of the stream throws what is missing.
    const confirmed = historyOf(source)
      .confirm()
      .catch(() => undefined);
    await unlessAborted(confirmed, clock.timeout(ANSWERS_WITHIN_MS));
  }

  /** Without a position, the write itself shows other engines that this one runs the migration. */
  #fields(): MigrationFields {
    const { counters, retrier, clock } = this.#context;
    const cutOff = isCutOff(
      retrier.waits.filter((wait) => wait.for === 'the source'),
      clock.now(),
    );
    const position = this.#position();
    return { cutOff, ...(position && { ...position, counts: recordedCounts(counters) }) };
  }

  async #reached(): Promise<void> {
    if (this.#position() !== undefined) await failpoint('engine.checkpoint.saved');
  }
}
