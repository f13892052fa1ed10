import type { MongoClient } from 'mongodb';
import { inBatches, sendBatches } from '../raw-commands.ts';
import { DATABASE } from '../servers.ts';
import { type Changes, type Style, WRITERS } from './workload.ts';

const BATCH_STATEMENTS = 1_000;

/** Sends the changes of a round as insert, update and delete commands. */
export async function change(client: MongoClient, collection: string, changes: Changes, style: Style): Promise<void> {
  const send = (command: 'insert' | 'update' | 'delete', statements: readonly Buffer[]) =>
    sendBatches(client, collection, command, inBatches(statements, BATCH_STATEMENTS), WRITERS);
  await send('insert', changes.inserts);
  await send('update', changes[style]);
  await send('delete', changes.deletes);
}

/** Fills a collection, and makes its two secondary indexes. */
export async function fill(client: MongoClient, collection: string, documents: readonly Buffer[]): Promise<void> {
  await sendBatches(client, collection, 'insert', inBatches(documents, BATCH_STATEMENTS), WRITERS);
  await client
    .db(DATABASE)
    .collection(collection)
    .createIndexes([{ key: { n: 1 } }, { key: { category: 1, at: -1 } }]);
}
