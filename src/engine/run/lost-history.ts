import { MongoServerError } from 'mongodb';
import { failpoint, messageOf } from '../../platform/index.ts';
import type { Dispatched, Migrated, RunContext } from '../collections/context.ts';
import { unlessAborted } from '../concurrency/unless-aborted.ts';
import { HistoryWentBack } from '../mongodb/seen-history.ts';
import type { Clusters, Pace } from '../records/context.ts';
import type { MigrationLog } from '../records/migration-log.ts';
import { declareMissed } from '../verify/declare-missed.ts';
import { describeOnlyThere } from '../verify/only-there.ts';

/** Limits how often the engine reopens the stream of a source that keeps losing its history. */
const AFTER_LOSS_MS = 250;
/** ChangeStreamFatalError: the oplog reaches back far enough, and lacks the entry of the resume token. */
const TOKEN_NOT_FOUND = 280;

/**
 * Puts on record that the stream lost changes, and which collections they may concern.
 * @param cause  the error of the stream
 */
export async function declareLoss(context: RunContext, log: MigrationLog, cause: unknown): Promise<void> {
  const { clock, drops, isReversed, signal } = context;
  const reason = messageOf(cause);
  // rule: hold-lost-history
  if (isReversed && isOfOlderState(cause)) {
    await log.save({ unconfirmedHistory: { atMs: clock.now(), reason, after: drops.history.confirmed } });
  }
  await declareMissed(context, log, reason);
  await failpoint('engine.capture.loss-declared');
  await clock.sleep(AFTER_LOSS_MS, signal);
}

/** Whether the source lacks entries that it has shown. A stream may tell it where the oplog can't be read. */
function isOfOlderState(cause: unknown): boolean {
  // rule: hold-history-by-stream
  return cause instanceof HistoryWentBack || (cause instanceof MongoServerError && cause.code === TOKEN_NOT_FOUND);
}

/**
 * Waits for a confirmation when the source of an opposite direction went back in its history: data that it lost is on
 * the destination only. Returns at once when nothing is held.
 * @param reading  a context that ends with the reads of the stream
 * @param start  runs a task whose failure ends the run
 */
export async function untilHistoryConfirmed(
  reading: Clusters & Pace & Migrated & Dispatched,
  log: MigrationLog,
  start: (task: () => Promise<void>) => void,
): Promise<void> {
  const { unconfirmedHistory } = log.record;
  if (unconfirmedHistory == null) return;
  const { drops, signal, tracked } = reading;
  const confirmed = drops.history.hold(unconfirmedHistory);
  start(async () => {
    const onlyThere = describeOnlyThere(reading, tracked.values());
    drops.history.tell(await onlyThere.catch((error: unknown) => `it is not known what: ${messageOf(error)}`));
  });
  await unlessAborted(confirmed, signal);
  signal.throwIfAborted();
  await log.save({ unconfirmedHistory: null });
}
