import type { Timestamp } from 'mongodb';
import { failpoint, UserError } from '../../platform/index.ts';
import { refuseUnsupported, selectedInAdmin } from '../catalog/unsupported.ts';
import type { Migrated } from '../collections/context.ts';
import type { Look } from '../collections/seen-changes.ts';
import { allEnded } from '../concurrency/all-ended.ts';
import { orAbort } from '../concurrency/unless-aborted.ts';
import { writeBarrier } from '../mongodb/cluster-time.ts';
import { NotNow } from '../mongodb/failure-policy.ts';
import { usesRawData } from '../mongodb/raw-data.ts';
import type { Clusters, Pace, Records } from '../records/context.ts';
import type { MigrationLog } from '../records/migration-log.ts';
import type { CutoverRecord } from '../records/records.ts';
import { within } from '../records/within.ts';
import { bringOverAccounts } from './bring-over-accounts.ts';
import { confirmDestination } from './confirm-destination.ts';
import type { RunningStream } from './running-stream.ts';

/** Returns a time that is later than everything the source acknowledged before this call. */
export async function barrier({ retrier, source }: Clusters & Pace): Promise<Timestamp> {
  return await retrier.run('the source', () => writeBarrier(source));
}

/** Holds the stream where everything before the time is on the destination, and every collection is live. */
export async function holdAt(context: Pace, stream: RunningStream, time: Timestamp): Promise<void> {
  while (true) {
    await stream.inStepAt(time, context.signal);
    await stream.hold(context.signal);
    if (stream.isInStepAt(time)) return;
    stream.release(); // The last events created a collection.
  }
}

/** Awaits a comparison for which the stream is held, and releases it. */
export async function whileHeld<T>(stream: RunningStream, comparing: Promise<T>): Promise<T> {
  try {
    return await comparing;
  } finally {
    stream.release();
  }
}

/**
 * The last look, which every end of a migration passes immediately before it is on record. It confirms that everything
 * the source acknowledged up to a new barrier is on the destination, that writes of other clients there are compared,
 * and that the destination has the source's users and roles, because no block stops their changes. Leaves the stream
 * held.
 * @throws UserError UNSUPPORTED_NAMESPACE when users have created a collection in the database `admin` meanwhile
 * @throws UserError ACCOUNTS_REFUSED
 */
export async function lastLook(context: Clusters & Records & Pace & Migrated, stream: RunningStream): Promise<void> {
  await failpoint('engine.cutover.drained');
  const failed = new AbortController();
  const limited = within(context, failed.signal);
  // rule: last-look-at-accounts
  await allEnded([lookAtData(limited, stream), bringOverAccounts(limited)], (error) => failed.abort(error));
}

async function lookAtData(context: Clusters & Pace & Migrated, stream: RunningStream): Promise<void> {
  const { retrier, source, selection, sourceFeatures, signal } = context;
  const [time, inAdmin] = await Promise.all([
    barrier(context),
    retrier.run('the source', () => selectedInAdmin(source, selection)),
    stream.confirmCatalog(),
    // rule: look-at-destination
    orAbort(stream.lookAtDestination(), signal),
  ]);
  // rule: look-for-admin-collections
  refuseUnsupported(inAdmin, sourceFeatures);
  // rule: barrier-of-last-look
  await holdAt(context, stream, time);
}

/**
 * Describes a change of a capped collection that only the destination had. Rechecks don't count a document of it that
 * only one side has, so it has to be compared as a whole again.
 * @param look  the changes since before the ends of capped collections were compared
 */
export function cappedWritten({ namespaces: [namespace] }: Look): string | undefined {
  return (
    namespace &&
    `${namespace}: another client wrote to the capped collection on the destination meanwhile, or it lost documents there that the source has`
  );
}

/** @throws UserError VERIFICATION_FAILED when there is a difference that the engine doesn't repair */
export function refuseDifference(difference: string | undefined): void {
  if (difference !== undefined) throw new UserError('VERIFICATION_FAILED', [difference]);
}

/**
 * Compares the changes of the destination's catalog since the comparison before the cutover. The last look must have
 * ended, and the stream be held.
 * @returns the description of a difference; undefined when there is none
 */
export async function changedCatalog({ signal }: Pace, stream: RunningStream): Promise<string | undefined> {
  return await orAbort(stream.verification.changedCatalog(), signal);
}

/**
 * Confirms the parts of the destination that no longer change once writes have stopped: names, options, views and
 * indexes.
 * @throws UserError NAMESPACE_CONFLICT with the name of a collection that is gone
 * @throws NotNow with a difference
 */
export async function confirmCatalog(context: Clusters & Pace & Migrated, stream: RunningStream): Promise<void> {
  await confirmDestination(context);
  const difference = await changedCatalog(context, stream);
  // rule: compare-changed-catalog
  if (difference !== undefined) throw new NotNow(difference);
}

/**
 * Records the end of the migration; the stream is held.
 * @param watched  whether no client may write to the source from here on: then the engine looks for writes after the
 * stream's position
 * @param fields  further fields of the record
 */
export async function commit(
  { fence, source }: Clusters,
  log: MigrationLog,
  stream: RunningStream,
  watched: boolean,
  fields: Pick<CutoverRecord, 'timeline' | 'evidence' | 'reverseFrom' | 'accounts'> = {},
): Promise<void> {
  const writtenTo = fence.afterOwnWrites.afterClusterTime;
  // rule: commit-position-on-record
  const from = watched && { drainedTo: stream.safeToken, ...(usesRawData(source) && { rawData: true as const }) };
  const reached = { ...from, ...(writtenTo && { writtenTo }) };
  // rule: commit-on-record
  await log.advanceCutover('committed', { ...fields, ...reached });
  stream.stop();
}
