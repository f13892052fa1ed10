import type { MongoClient } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { INTERNAL_DATABASE } from '../mongodb/namespaces.ts';
import type { MigrationRecord } from '../records/records.ts';
import { shownState } from '../records/shown-state.ts';

const ENDED = ['committed', 'cancelled', 'failed'];

/**
 * Refuses to write beside a migration of Linkspan that has not ended.
 * @throws UserError REPAIR_DURING_MIGRATION
 */
export async function refuseRepairs(destination: MongoClient): Promise<void> {
  const unfinished = await destination
    .db(INTERNAL_DATABASE)
    .collection<MigrationRecord>('migrations')
    .findOne({ state: { $nin: ENDED as never[] }, retiredBy: { $exists: false } });
  if (unfinished === null) return;
  throw new UserError('REPAIR_DURING_MIGRATION', [unfinished._id, shownState(unfinished.state)]);
}
