import { type Filter, MaxKey, MinKey, type UUID } from 'mongodb';
import { type RecordsRead, readRecords } from './read-records.ts';
import type { SpoolRecord } from './records.ts';

const READ_BYTES = 4 * 1024 * 1024;

/** Returns a query for a collection's spooled keys that the index on `_id` serves. */
export function spooled(migrationId: string, uuid: UUID, after?: SpoolRecord['_id']): Filter<SpoolRecord> {
  const lowest = { m: migrationId, u: uuid, r: new MinKey() };
  const highest = { m: migrationId, u: uuid, r: new MaxKey() };
  // The bounds of the range are no keys, and the driver's types can't express that.
  return { _id: { $gt: after ?? lowest, $lt: highest } } as unknown as Filter<SpoolRecord>;
}

/** Returns the first keys of a query, in the order to apply them; fewer than `limit` when keys are long. */
export async function readSpooled(
  store: RecordsRead,
  query: Filter<SpoolRecord>,
  limit: number,
): Promise<SpoolRecord[]> {
  const records: SpoolRecord[] = [];
  let bytes = 0;
  for await (const record of readRecords<SpoolRecord>(store, 'spool', query, { sort: { _id: 1 }, limit })) {
    records.push(record);
    bytes += record._id.k.length();
    if (bytes > READ_BYTES) break;
  }
  return records;
}
