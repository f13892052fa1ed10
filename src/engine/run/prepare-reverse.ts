import { failpoint, UserError } from '../../platform/index.ts';
import { readLateAccounts } from '../accounts/late-accounts.ts';
import type { ResumeToken } from '../capture/change-stream.ts';
import { listCollections } from '../catalog/read-catalog.ts';
import type { RunContext } from '../collections/context.ts';
import { hasAnnounced } from '../cutover/block-notes.ts';
import { confirmBlockUnused } from '../cutover/block-of-destination.ts';
import { closeDestination } from '../cutover/destination-block.ts';
import { timeOfToken } from '../mongodb/cluster-time.ts';
import { writesAreBlocked } from '../mongodb/write-block.ts';
import type { Clusters, Pace, Records } from '../records/context.ts';
import type { MadeAccount } from '../records/made-accounts.ts';
import type { MigrationLog } from '../records/migration-log.ts';
import type { CollectionRecord, CutoverRecord, MigrationRecord, ViewRecord } from '../records/records.ts';
import { recordsOn } from '../records/records-on.ts';

/** The records of the direction before this one, on this direction's source. */
interface Earlier {
  readonly reverseFrom: ResumeToken;
  readonly cutover: CutoverRecord;
  readonly collections: readonly CollectionRecord[];
  readonly views: readonly ViewRecord[];
  /** The users and roles that it has taken there. */
  readonly accounts: readonly MadeAccount[];
}

/**
 * Prepares the opposite direction after a cutover: both sides were equal at the position on record, so nothing is
 * copied. The old source is blocked, and its collections become this direction's destination.
 * @returns the position from which the stream follows the source
 * @throws UserError FAILBACK_LOST when a side isn't as the cutover has left it, or another migration needs the block of
 * the old source
 */
export async function prepareReverse(context: RunContext, log: MigrationLog, reversals: number): Promise<ResumeToken> {
  const { checkpoint, retrier } = context;
  await log.advance('preparation begun');
  await checkpoint.forgetCollections();
  const earlier = await retrier.run('the source', () => readEarlier(context, reversals - 1));
  // rule: refuse-two-blocked-sides
  await confirmOpen(context);
  // rule: confirm-cutover-on-old-source
  await confirmLeft(context, earlier.cutover);
  await log.save({ blocksDestination: true });
  await failpoint('engine.reverse.block-recorded');
  // rule: block-used-by-another
  await confirmBlockUnused(context);
  // rule: block-old-source
  await closeDestination(context);
  await failpoint('engine.reverse.destination-blocked');
  // rule: confirm-collections-of-cutover
  await confirmCollections(context, earlier.collections);
  await retrier.run('the destination', async () => {
    await checkpoint.unretried.saveViews(earlier.views);
    await checkpoint.unretried.saveCollections(earlier.collections.flatMap(swapped));
    // rule: inherit-accounts
    if (context.movesAccounts) await context.accounts.inherit(earlier.accounts);
  });
  await failpoint('engine.reverse.collections-recorded');
  // rule: late-accounts-of-old-source
  const lateAccounts = context.movesAccounts ? await readLateAccounts(context, earlier.cutover) : [];
  await log.save({ token: earlier.reverseFrom, lateAccounts });
  await failpoint('engine.reverse.position-recorded');
  return earlier.reverseFrom;
}

/** @throws UserError CUTOVER_RECORD_LOST when the record shows no reversible cutover */
async function readEarlier({ source, checkpoint, identity }: Clusters & Records, reversals: number): Promise<Earlier> {
  const of = <T extends object>(name: string) => recordsOn<T>(source, name);
  const { migrationId } = checkpoint;
  const record = await of<MigrationRecord>('migrations').findOne({ _id: migrationId });
  const { cutover } = record ?? {};
  const { committed, canWriteAtMs, reverseFrom } = cutover ?? {};
  const isDirection = (record?.reversals ?? 0) === reversals;
  if (!committed || canWriteAtMs === undefined || cutover === undefined || reverseFrom === undefined || !isDirection)
    throw new UserError('CUTOVER_RECORD_LOST', [migrationId]);
  const [collections, views, accounts] = await Promise.all([
    of<CollectionRecord>('collections').find({ '_id.m': migrationId }).toArray(),
    of<ViewRecord>('views').find({ '_id.m': migrationId }).toArray(),
    of<MadeAccount>('accounts').find({ '_id.source': identity.destinationId }).toArray(),
  ]);
  return { reverseFrom, cutover, collections, views, accounts };
}

/**
 * Confirms that users write to the source. When both sides are blocked, the records on the other one are missing, and
 * it may be the side that has the newer documents.
 */
async function confirmOpen({ source, retrier, checkpoint }: Clusters & Records & Pace): Promise<void> {
  if ((await retrier.run('the source', () => writesAreBlocked(source))) !== true) return;
  throw new UserError('FAILBACK_LOST', [checkpoint.migrationId, "the side that has the users refuses users' writes"]);
}

/**
 * Confirms that the old source has everything that its users wrote before the cutover. One that was restored from a file
 * copy of before has the same collections, and no stream shows the missing writes. Where the oplog no longer says, the
 * write block counts, which was set for the cutover.
 */
async function confirmLeft(
  { destination, retrier, checkpoint }: Clusters & Records & Pace,
  { claim, drainedTo }: CutoverRecord,
): Promise<void> {
  if (claim === undefined || drainedTo === undefined) return;
  const isLeft = await retrier.run('the destination', async () => {
    const announced = await hasAnnounced(destination, claim, timeOfToken(drainedTo));
    // rule: block-shows-cutover
    return announced ?? (await writesAreBlocked(destination)) !== false;
  });
  if (isLeft) return;
  const reason = 'the old source lacks the end of the cutover: it was restored from a backup of before';
  throw new UserError('FAILBACK_LOST', [checkpoint.migrationId, reason]);
}

/** Confirms that the old source still has every collection: a restored or re-created one has others. */
async function confirmCollections(
  { destination, retrier, checkpoint }: Clusters & Records & Pace,
  collections: readonly CollectionRecord[],
): Promise<void> {
  for (const [database, records] of Map.groupBy(collections, ({ sourceDatabase }) => sourceDatabase)) {
    const listed = await retrier.run('the destination', () => listCollections(destination, database));
    const present = new Set(listed.map(({ uuid }) => uuid?.toHexString(false)));
    const lost = records.find(({ _id, destinationUuid }) => destinationUuid && !present.has(_id.u.toHexString(false)));
    if (lost === undefined) continue;
    const reason = `the old source no longer has the collection ${database}.${lost.sourceName} of the cutover`;
    throw new UserError('FAILBACK_LOST', [checkpoint.migrationId, reason]);
  }
}

/** Returns the record for the opposite direction. */
function swapped(record: CollectionRecord): CollectionRecord[] {
  const { _id, destinationUuid } = record;
  if (destinationUuid === null) return [];
  return [
    {
      _id: { m: _id.m, u: destinationUuid },
      sourceDatabase: record.destinationDatabase,
      sourceName: record.destinationName,
      destinationDatabase: record.sourceDatabase,
      destinationName: record.sourceName,
      destinationUuid: _id.u,
      filter: null,
      state: 'live',
      wasLive: true,
      reordered: false,
      options: record.options,
      indexes: record.indexes,
      documents: record.documents,
      bytes: record.bytes,
      readAfter: null,
    },
  ];
}
