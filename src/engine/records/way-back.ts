import type { Document, MongoClient } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { type ClusterAddress, clientOf } from '../mongodb/connect.ts';
import { INTERNAL_DATABASE } from '../mongodb/namespaces.ts';
import { writesAreBlocked } from '../mongodb/write-block.ts';
import type { MigrationRecord } from './records.ts';

/**
 * Records on the side that has the users that the way back to the other one is closed. From then on no engine begins
 * the opposite direction. Durable when it returns, and doesn't need the other side.
 * @param primary    the destination of the last cutover
 * @param reversals  the direction of that cutover; any, unless given
 * @throws UserError WAY_BACK_LOST when no reversible cutover is on record there, or its users are blocked: then the
 * opposite direction may have cut over
 */
export async function closeWayBack(primary: ClusterAddress, migrationId: string, reversals?: number): Promise<void> {
  await using client = clientOf(primary, 'destination');
  const refuse = (reason: string) => {
    throw new UserError('WAY_BACK_LOST', [migrationId, reason]);
  };
  if (await writesAreBlocked(client)) refuse("the side that has the users refuses users' writes");
  const isNoted = await noteOfCutover(client, { migrationId, reversals }, { 'cutover.wayBackClosed': true });
  if (!isNoted) refuse('the records of the cutover are gone');
}

/**
 * Records on the side that has the users that the operator has asked for the opposite direction. An engine that starts
 * then shows that direction before it has reached the other side, where its record is.
 * @param primary  the destination of the last cutover
 */
export async function noteReversal(primary: ClusterAddress, migrationId: string, reversals: number): Promise<void> {
  await using client = clientOf(primary, 'destination');
  await noteOfCutover(client, { migrationId, reversals }, { 'cutover.isReversed': true });
}

/** Adds to the record of a cutover. Durable when it returns. @returns whether there is such a record */
async function noteOfCutover(
  client: MongoClient,
  { migrationId, reversals }: { readonly migrationId: string; readonly reversals: number | undefined },
  fields: Document,
): Promise<boolean> {
  const direction = reversals === undefined ? {} : { reversals: reversals === 0 ? { $exists: false } : reversals };
  const { matchedCount } = await client
    .db(INTERNAL_DATABASE)
    .collection<MigrationRecord>('migrations')
    .updateOne(
      { _id: migrationId, ...direction, 'cutover.committed': true },
      { $set: fields },
      { writeConcern: { w: 'majority', journal: true } },
    );
  return matchedCount > 0;
}
