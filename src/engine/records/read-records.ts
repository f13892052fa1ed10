import type { Document, Filter, MongoClient } from 'mongodb';
import type { CausalRead } from '../mongodb/fence.ts';
import { INTERNAL_DATABASE } from '../mongodb/namespaces.ts';

/** The cluster that holds records, and the read concern with which a read sees all own writes. */
export interface RecordsRead {
  readonly client: MongoClient;
  readonly afterOwnWrites: CausalRead;
}

/** Options of the `find` command. */
interface ReadOptions {
  readonly sort?: Document;
  readonly projection?: Document;
  readonly limit?: number;
}

/**
 * Reads matching records of the engine's own. Sees every write that was acknowledged before. Sends a command, because the
 * driver's `find` drops the time from a read concern.
 */
export async function* readRecords<T extends object>(
  { client, afterOwnWrites }: RecordsRead,
  collection: string,
  filter: Filter<T>,
  options: ReadOptions = {},
): AsyncGenerator<T> {
  // rule: read-after-own-writes
  const command = { find: collection, filter, ...options, readConcern: afterOwnWrites };
  yield* client.db(INTERNAL_DATABASE).runCursorCommand(command) as AsyncIterable<T>;
}

/** Returns all records that {@link readRecords} reads. */
export async function allRecords<T extends object>(...of: Parameters<typeof readRecords<T>>): Promise<T[]> {
  const records: T[] = [];
  for await (const record of readRecords<T>(...of)) records.push(record);
  return records;
}
