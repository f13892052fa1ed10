import type { Document, Filter, MongoClient } from 'mongodb';
import type { CausalRead } from '../mongodb/fence.ts';
import { INTERNAL_DATABASE } from '../mongodb/namespaces.ts';

/** Where records are, and what a read of them has to see. */
export interface RecordsRead {
  readonly client: MongoClient;
  readonly afterOwnWrites: CausalRead;
}

/** How records are to be read, as the `find` command takes it. */
interface ReadOptions {
  readonly sort?: Document;
  readonly projection?: Document;
  readonly limit?: number;
}

/**
 * Records of the engine's own that match, as everything that was acknowledged before has left them. By a command, since the driver's own `find`
 * drops the time from a read concern.
 */
export async function* readRecords<T extends object>(
  { client, afterOwnWrites }: RecordsRead,
  collection: string,
  filter: Filter<T>,
  options: ReadOptions = {},
): AsyncGenerator<T> {
  const command = { find: collection, filter, ...options, readConcern: afterOwnWrites };
  yield* client.db(INTERNAL_DATABASE).runCursorCommand(command) as AsyncIterable<T>;
}

/** All of them. */
export async function allRecords<T extends object>(...of: Parameters<typeof readRecords<T>>): Promise<T[]> {
  const records: T[] = [];
  for await (const record of readRecords<T>(...of)) records.push(record);
  return records;
}
