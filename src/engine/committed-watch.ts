import { dateOf, newWatch, type SourceWatchState } from '../contract/index.ts';
import { SourceWatch, sourceWrittenWarning } from './cutover/source-watch.ts';
import { writtenAfterCommitWarning } from './cutover/watch-after-commit.ts';
import type { Migration } from './migration.ts';
import type { Pace, Telling } from './records/context.ts';
import { recordSourceWatch } from './records/record-source-watch.ts';

/** The watch of a committed migration's source in the background of a process. Its record is on the destination. */
export class CommittedWatch {
  readonly #watch: SourceWatch;
  /** The warning of the migration's own, shorter watch. */
  readonly #former: string | undefined;
  /** Resolves when the watch has ended. */
  readonly ended: Promise<void>;

  private constructor(watch: SourceWatch, ended: Promise<void>, former: string | undefined) {
    this.#watch = watch;
    this.#former = former;
    this.ended = ended;
  }

  /**
   * Begins the watch, or resumes that of an earlier process.
   * @param forMs  how long the watch lasts from the moment at which the destination took writes
   * @returns undefined for a source that isn't blocked: it may be written to
   */
  static begin(
    migration: Migration,
    forMs: number,
    { logger, clock, signal }: Pick<Pace & Telling, 'logger' | 'clock' | 'signal'>,
  ): CommittedWatch | undefined {
    const { migrationId, source, destination } = migration.options;
    const { cutover } = migration.progress();
    if (cutover?.watchStart === undefined) return undefined;
    const fromMs = cutover.canWriteAt === undefined ? clock.now() : Date.parse(cutover.canWriteAt);
    const state = cutover.watch ?? newWatch(cutover.watchStart, dateOf(fromMs + forMs));
    const save = (next: SourceWatchState) => recordSourceWatch(destination, migrationId, next);
    const watch = new SourceWatch({ migrationId, source, state, save, logger, clock });
    const written = cutover.writtenAfterCommit;
    return new CommittedWatch(watch, watch.run(signal), written && writtenAfterCommitWarning(written).message);
  }

  get state(): SourceWatchState {
    return this.#watch.state;
  }

  /** Returns the migration's warnings with the watch's own in place of the one that the migration ended with. */
  withWarning(warnings: readonly string[]): readonly string[] {
    const own = sourceWrittenWarning(this.state)?.message;
    return own === undefined ? warnings : [...warnings.filter((one) => one !== this.#former), own];
  }
}
