import type { MongoClient } from 'mongodb';
import { messageOf, UserError } from '../../platform/index.ts';
import { INTERNAL_DATABASE } from '../mongodb/namespaces.ts';
import type { Side } from '../mongodb/side.ts';
import { isUnauthorized } from '../mongodb/unauthorized.ts';
import { hasCutOver } from '../records/destination-owner.ts';
import { hasWayBack, type MigrationRecord } from '../records/records.ts';
import { shownState } from '../records/shown-state.ts';

const ENDED = ['committed', 'cancelled', 'failed'];

/** One side of a comparison. */
interface ComparedSide {
  readonly side: Side;
  readonly client: MongoClient;
  readonly clusterId: string;
}

/**
 * Refuses to write beside a migration of Linkspan that has not ended, or whose way back is open, and where a cutover from
 * this source has given the destination its users. Both sides have to be asked: the record of a way back is on the old
 * source.
 * @throws UserError REPAIR_DURING_MIGRATION, or REPAIR_UNCHECKED when the user may not read the records
 */
export async function refuseRepairs({
  source,
  destination,
}: {
  readonly source: ComparedSide;
  readonly destination: ComparedSide;
}): Promise<void> {
  const [there, here] = [await readPresent(source), await readPresent(destination)];
  const cutOver = here.filter((record) => hasCutOver(record) && !hasReturned(record, there));
  if (cutOver.length > 0 && source.clusterId === '')
    throw new UserError('REPAIR_UNCHECKED', [source.side, 'its configuration', 'replSetGetConfig']);
  const committed = cutOver.find(({ sourceId }) => sourceId === source.clusterId);
  if (committed !== undefined) throw refusal(destination.side, committed, 'committed from this source');
}

/** Returns whether a cutover of the opposite direction has given the users back since. */
function hasReturned({ _id, reversals = 0 }: MigrationRecord, onSource: readonly MigrationRecord[]): boolean {
  return onSource.some((one) => one._id === _id && (one.reversals ?? 0) > reversals && hasCutOver(one));
}

function refusal(side: Side, { _id }: MigrationRecord, state: string): UserError {
  return new UserError('REPAIR_DURING_MIGRATION', [side, _id, state]);
}

/**
 * Returns the records of all migrations on a side that no other one has superseded.
 * @throws UserError REPAIR_DURING_MIGRATION when one has not ended, or has an open way back; REPAIR_UNCHECKED
 */
async function readPresent({ side, client }: ComparedSide): Promise<readonly MigrationRecord[]> {
  const migrations = client.db(INTERNAL_DATABASE).collection<MigrationRecord>('migrations');
  const projection = { state: 1, sourceId: 1, reversals: 1, cutover: 1, phases: 1, wayBackClosedBy: 1 };
  try {
    const records = await migrations.find({ retiredBy: { $exists: false } }, { projection }).toArray();
    for (const record of records) {
      if (!ENDED.includes(record.state)) throw refusal(side, record, shownState(record.state));
      if (hasWayBack(record)) throw refusal(side, record, 'its way back is open');
    }
    return records;
  } catch (error) {
    if (!isUnauthorized(error)) throw error;
    throw new UserError('REPAIR_UNCHECKED', [side, 'linkspan_internal.migrations', messageOf(error)], { cause: error });
  }
}
