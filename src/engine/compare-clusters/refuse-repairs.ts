import type { MongoClient } from 'mongodb';
import { messageOf, UserError } from '../../platform/index.ts';
import { INTERNAL_DATABASE } from '../mongodb/namespaces.ts';
import type { Side } from '../mongodb/side.ts';
import { isUnauthorized } from '../mongodb/unauthorized.ts';
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
  for (const { side, client } of [source, destination])
    for (const record of await readPresent(side, client)) {
      if (!ENDED.includes(record.state)) throw refusal(side, record, shownState(record.state));
      if (hasWayBack(record)) throw refusal(side, record, 'its way back is open');
      if (side === 'destination' && record.state === 'committed' && record.sourceId === source.clusterId)
        throw refusal(side, record, 'committed from this source');
    }
}

function refusal(side: Side, { _id }: MigrationRecord, state: string): UserError {
  return new UserError('REPAIR_DURING_MIGRATION', [side, _id, state]);
}

/** Returns the records of all migrations that no other one has superseded. */
async function readPresent(side: Side, client: MongoClient): Promise<readonly MigrationRecord[]> {
  const migrations = client.db(INTERNAL_DATABASE).collection<MigrationRecord>('migrations');
  const projection = { state: 1, sourceId: 1, cutover: 1, wayBackClosedBy: 1 };
  try {
    return await migrations.find({ retiredBy: { $exists: false } }, { projection }).toArray();
  } catch (error) {
    if (!isUnauthorized(error)) throw error;
    throw new UserError('REPAIR_UNCHECKED', [side, messageOf(error)], { cause: error });
  }
}
