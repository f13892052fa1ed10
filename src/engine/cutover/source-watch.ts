import { dateOf, type SourceWatchState } from '../../contract/index.ts';
import type { Clock, Logger, UserError } from '../../platform/index.ts';
import { changedAccounts, readAccountsDigest } from '../accounts/accounts-digest.ts';
import { concerns } from '../capture/change-event.ts';
import { ChangeStream, type StreamBatch } from '../capture/change-stream.ts';
import { isBefore, writeBarrier } from '../mongodb/cluster-time.ts';
import { type ClusterAddress, connectCluster } from '../mongodb/connect.ts';
import { reasonOf } from '../mongodb/failure-policy.ts';
import { useRawData } from '../mongodb/raw-data.ts';
import { Retrier } from '../mongodb/retry.ts';
import { sourceFeatures } from '../mongodb/server-features.ts';
import { Selection } from '../scope/selection.ts';
import { confirmWatched, refusedPosition } from './confirm-watched.ts';
import { writtenAfterCommitWarning } from './watch-after-commit.ts';

interface SourceWatchOptions {
  readonly migrationId: string;
  readonly source: ClusterAddress;
  /** Where an earlier process left the watch, or `newWatch`. */
  readonly state: SourceWatchState;
  /** Records the state. A failure is repeated with the next state. */
  readonly save: (state: SourceWatchState) => Promise<void>;
  readonly logger: Logger;
  readonly clock: Clock;
}

const STREAM_WAIT_MS = 1_000;
const SAVE_EVERY_MS = 10_000;
/** For the last barrier after the time is over. */
const LAST_LOOK_WITHIN_MS = 10_000;
const KEPT_NAMESPACES = 20;

/** Returns the warning of a watch that has seen writes, which stays with the migration; undefined without any. */
export function sourceWrittenWarning({ changes, namespaces }: SourceWatchState): UserError | undefined {
  return changes === 0 ? undefined : writtenAfterCommitWarning({ count: changes, namespaces: namespaces.join(', ') });
}

/**
 * Watches a source that stays blocked after the commit, for writes of users who bypass the block. It needs nothing of the
 * migration, which has ended, and writes nothing but one note in the source's oplog at its end.
 */
export class SourceWatch {
  readonly #options: SourceWatchOptions;
  #state: SourceWatchState;
  #saved: SourceWatchState;
  #savedAt: number;
  /** The number of changes that the log has reported. */
  #told: number;

  constructor(options: SourceWatchOptions) {
    this.#options = options;
    this.#state = options.state;
    this.#saved = options.state;
    this.#told = options.state.changes;
    this.#savedAt = options.clock.elapsed();
  }

  get state(): SourceWatchState {
    return this.#state;
  }

  /**
   * Watches until the time is over, the source can't be watched any more, or `signal` aborts: then another process may
   * resume. Never throws.
   */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#state.ended !== undefined) return;
    const { clock, logger } = this.#options;
    const done = new AbortController();
    const over = new AbortController();
    const late = new AbortController();
    const end = AbortSignal.any([signal, done.signal]);
    const timing = (async () => {
      await clock.sleep(Math.max(0, Date.parse(this.#state.until) - clock.now()), end);
      over.abort();
      await clock.sleep(LAST_LOOK_WITHIN_MS, end);
      late.abort();
    })();
    let ended: string | undefined;
    try {
      await this.#watch(over.signal, AbortSignal.any([signal, late.signal]));
      ended = 'over';
    } catch (error) {
      ended = late.signal.aborted ? `the source could not be read after ${this.#state.watchedTo}` : reasonOf(error);
    }
    done.abort();
    await timing;
    if (!signal.aborted) {
      this.#state = { ...this.#state, ended };
      logger.info(
        { event: 'source_watch.ended', ended, watchedTo: this.#state.watchedTo },
        'the watch of the source after the commit has ended',
      );
    }
    await this.#save();
  }

  async #watch(over: AbortSignal, end: AbortSignal): Promise<void> {
    const { clock, logger, migrationId, source } = this.#options;
    const retrier = new Retrier(clock, logger, end);
    await using client = await retrier.run('the source', () => connectCluster(source, 'source'));
    // rule: watch-with-raw-data
    if (this.#state.rawData) useRawData(client);
    // Only sources of 6.0 and newer have a block.
    const watched = { source: client, sourceFeatures: sourceFeatures('6.0'), checkpoint: { migrationId }, retrier };
    // As after a break: the first batch also needs a confirmed source.
    // rule: watch-resumes-at-position
    await using stream = ChangeStream.ofSource(watched, { _data: this.#state.token }, true);
    let isOpen = false;
    for (let isLast = false; !isLast; ) {
      isLast = over.aborted;
      const isDue = clock.elapsed() - this.#savedAt >= SAVE_EVERY_MS;
      const known = isDue || isLast ? this.#state.accounts : undefined;
      // Before the stream, which notices when another set answers.
      const accounts = known && (await retrier.run('the source', () => readAccountsDigest(client)));
      const barrier = isLast ? await retrier.run('the source', () => writeBarrier(client)) : undefined;
      for (let isReached = false; !isReached; ) {
        const batch = await stream.next(STREAM_WAIT_MS).catch((error: unknown) => {
          throw isOpen ? error : refusedPosition(error);
        });
        isOpen = true;
        // After the read: if it is the same set now, the batch is of that set, too.
        if (batch.afterBreak) {
          const sourceId = await confirmWatched(client, retrier, this.#state);
          this.#state = { ...this.#state, sourceId: this.#state.sourceId ?? sourceId };
        }
        this.#take(batch);
        // rule: last-barrier-of-watch
        isReached = barrier === undefined || !isBefore(batch.time, barrier);
        end.throwIfAborted();
      }
      if (accounts && known) {
        // rule: watch-account-changes
        this.#note(changedAccounts(known, accounts));
        this.#state = { ...this.#state, accounts };
      }
      if (isDue || this.#state.changes > this.#saved.changes) await this.#save();
    }
  }

  #take({ events, token, time }: StreamBatch): void {
    const whole = new Selection(undefined);
    const written = events.filter((event) => concerns(whole, event));
    this.#note(written.map(({ database, collection }) => `${database}.${collection}`));
    this.#state = { ...this.#state, token: token._data, watchedTo: dateOf(time.getHighBits() * 1_000) };
  }

  /** Counts changes. @param changed  the namespace of each change */
  #note(changed: readonly string[]): void {
    const namespaces = [...new Set([...this.#state.namespaces, ...changed])].slice(0, KEPT_NAMESPACES);
    this.#state = { ...this.#state, changes: this.#state.changes + changed.length, namespaces };
  }

  async #save(): Promise<void> {
    const { logger, save, clock } = this.#options;
    const state = this.#state;
    const written = state.changes > this.#told ? sourceWrittenWarning(state) : undefined;
    if (written) logger.error({ event: 'source_watch.writes_found', changes: state.changes }, written.message);
    this.#told = state.changes;
    try {
      await save(state);
      this.#saved = state;
    } catch (error) {
      logger.warn(
        { event: 'source_watch.not_recorded', reason: reasonOf(error) },
        'Could not record the watch of the source after the commit',
      );
    }
    this.#savedAt = clock.elapsed();
  }
}
