import type { MongoClient } from 'mongodb';
import type { DocumentBatch } from '../src/engine/bson/document-batch.ts';
import { documentSequence } from '../src/engine/bson/document-sequence.ts';
import { DATABASE } from './servers.ts';

/** The field of each command that is sent as raw documents. */
const FIELDS = { insert: 'documents', update: 'updates', delete: 'deletes' } as const;

/** Documents or statements of one command. A `DocumentBatch` is sent without a copy. */
type Batch = DocumentBatch | readonly Buffer[];

/**
 * Sends batches of ready-made BSON to one collection as fast as the server accepts them, with write concern majority. No tool can be faster.
 * @param writers  number of parallel batches
 */
export async function sendBatches(
  client: MongoClient,
  collection: string,
  command: keyof typeof FIELDS,
  batches: Iterable<Batch>,
  writers: number,
): Promise<void> {
  await sendAll(client, command, sentTo(collection, batches), writers);
}

function* sentTo(collection: string, batches: Iterable<Batch>) {
  for (const batch of batches) yield { collection, batch };
}

/** Does the same for batches of several collections. */
export async function sendAll(
  client: MongoClient,
  command: keyof typeof FIELDS,
  batches: Iterable<{ readonly collection: string; readonly batch: Batch }>,
  writers: number,
): Promise<void> {
  const waiting = batches[Symbol.iterator]();
  const write = async () => {
    for (let next = waiting.next(); !next.done; next = waiting.next()) {
      const { collection, batch } = next.value;
      const reply = await client.db(DATABASE).command({
        [command]: collection,
        [FIELDS[command]]: documentSequence(FIELDS[command], batch),
        ordered: false,
        writeConcern: { w: 'majority', j: true },
      });
      if (reply.writeErrors || reply.writeConcernError) throw new Error(JSON.stringify(reply).slice(0, 500));
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
}

export function inBatches<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, n) => all.slice(n * size, (n + 1) * size));
}
