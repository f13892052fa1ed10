import type { Collection, Document, MongoClient } from 'mongodb';
import { failpoint, newId, UserError } from '../../platform/index.ts';
import { type ClusterAddress, clientOf } from '../mongodb/connect.ts';
import { INTERNAL_DATABASE } from '../mongodb/namespaces.ts';
import { writesAreBlocked } from '../mongodb/write-block.ts';
import { hasFailback, type MigrationRecord } from './records.ts';

const ANSWERS_WITHIN_MS = 5_000;

/**
 * Records on the side that has the users that the failback to the other one is closed. From then on no engine begins
 * the opposite direction, and one that has begun it doesn't commit. Durable when it returns, and doesn't need the other
 * side.
 * @param primary    the destination of the last cutover
 * @param reversals  the direction of that cutover; any, unless given
 * @throws UserError CUTOVER_RECORD_LOST when no such cutover is on record there, FAILBACK_LOST when its users are blocked:
 * then the opposite direction may have cut over
 */
export async function closeFailback(primary: ClusterAddress, migrationId: string, reversals?: number): Promise<void> {
  await using client = clientOf(primary, 'destination');
  const refuseBlocked = async () => {
    if (!(await writesAreBlocked(client))) return;
    throw new UserError('FAILBACK_LOST', [migrationId, "the side that has the users refuses users' writes"]);
  };
  await refuseBlocked();
  await failpoint('engine.failback.closing');
  const cutover = { migrationId, reversals };
  // Named, because another one may close it at the same moment, and only this note may be withdrawn.
  const note = { failbackClosedBy: newId() };
  if (!(await noteOfCutover(client, cutover, { $addToSet: note })))
    throw new UserError('CUTOVER_RECORD_LOST', [migrationId]);
  try {
    // A cutover blocks the users first, and looks for this note then. One of the two sees the other.
    // rule: recheck-block-when-closed
    await refuseBlocked();
  } catch (error) {
    // rule: withdraw-own-note
    await noteOfCutover(client, cutover, { $pull: note });
    throw error;
  }
}

/**
 * Closes the failback on the side that has the users, when only the record there can tell which one that is: the other side
 * is blocked or lost.
 * @param cutover  as `reversals` of {@link closeFailback}, whose errors it has
 */
export async function closeOnEither(
  { source, destination }: { readonly source: ClusterAddress; readonly destination: ClusterAddress },
  migrationId: string,
  cutover: number | undefined,
): Promise<void> {
  // rule: close-named-cutover-on-record
  if (cutover !== undefined) return await closeFailback(cutover % 2 === 0 ? destination : source, migrationId, cutover);
  try {
    await closeFailback(destination, migrationId);
  } catch (error) {
    await closeFailback(source, migrationId).catch(() => {
      throw error;
    });
  }
}

/**
 * Confirms, while users can't write to the source of an opposite direction, that this failback is on record and open.
 * @throws UserError FAILBACK_LOST when it was closed, CUTOVER_RECORD_LOST when the record of its cutover is gone
 */
export async function confirmFailbackOpen(source: MongoClient, migrationId: string): Promise<void> {
  // A primary that was replaced may not know, and one without a majority would not answer.
  const options = { readConcern: 'linearizable', maxTimeMS: ANSWERS_WITHIN_MS } as const;
  const record = await recordsOf(source).findOne({ _id: migrationId }, options);
  // rule: failback-needs-record
  if (record === null) throw new UserError('CUTOVER_RECORD_LOST', [migrationId]);
  if (!hasFailback(record)) throw new UserError('FAILBACK_LOST', [migrationId, 'the failback was closed']);
}

/**
 * Records on the side that has the users that the operator has asked for the opposite direction. An engine that starts
 * then shows that direction before it has reached the other side, where its record is.
 * @param primary  the destination of the last cutover
 * @throws UserError CUTOVER_RECORD_LOST when that cutover is not on record there
 */
export async function noteReversal(primary: ClusterAddress, migrationId: string, reversals: number): Promise<void> {
  await using client = clientOf(primary, 'destination');
  const isNoted = await noteOfCutover(client, { migrationId, reversals }, { $set: { 'cutover.isReversed': true } });
  if (!isNoted) throw new UserError('CUTOVER_RECORD_LOST', [migrationId]);
}

/** Changes the record of a cutover. Durable when it returns. @returns whether there is such a record */
async function noteOfCutover(
  client: MongoClient,
  { migrationId, reversals }: { readonly migrationId: string; readonly reversals: number | undefined },
  update: Document,
): Promise<boolean> {
  const direction = reversals === undefined ? {} : { reversals: reversals === 0 ? { $exists: false } : reversals };
  const committed = { _id: migrationId, ...direction, 'cutover.committed': true };
  const writeConcern = { w: 'majority', journal: true } as const;
  return (await recordsOf(client).updateOne(committed, update, { writeConcern })).matchedCount > 0;
}

function recordsOf(client: MongoClient): Collection<MigrationRecord> {
  return client.db(INTERNAL_DATABASE).collection('migrations');
}
