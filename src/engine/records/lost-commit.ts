import type { MongoClient } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { unlessUnauthorized } from '../mongodb/unauthorized.ts';
import type { MigrationRecord } from './records.ts';
import { recordsOn } from './records-on.ts';

type Read = () => Promise<MigrationRecord | undefined>;

/** A direction of a migration, and how to read the records on both sides. */
interface Direction {
  readonly migrationId: string;
  readonly reversals: number;
  /** Reads the record on this direction's source ({@link oppositeRecord}). */
  readonly opposite: Read;
  /** Reads the record on its destination. */
  readonly own: Read;
}

/**
 * Returns the error of a direction that has cut over, when that is no longer on its record. The destination was restored,
 * or the record was removed, and users write there: nothing may be copied there, and nothing dropped. The opposite
 * direction's record is on the source, and begins only after the cutover.
 */
export async function lostCommit({ migrationId, reversals, opposite, own }: Direction): Promise<UserError | undefined> {
  const next = await opposite();
  // rule: later-direction-shows-lost-commit
  if (next === undefined || (next.reversals ?? 0) <= reversals) return undefined;
  const found = await own();
  const isOnRecord = found?.cutover?.committed === true || found?.retiredBy !== undefined;
  if (isOnRecord || (found?.reversals ?? 0) > reversals) return undefined;
  return new UserError('CUTOVER_RECORD_LOST', [migrationId]);
}

/** @returns undefined when there is none, also when the source's user may not read it: then it never was a destination */
export async function oppositeRecord(source: MongoClient, migrationId: string): Promise<MigrationRecord | undefined> {
  const records = recordsOn<MigrationRecord>(source, 'migrations');
  return (await unlessUnauthorized(() => records.findOne({ _id: migrationId }))) ?? undefined;
}
