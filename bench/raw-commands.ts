import type { MongoClient } from 'mongodb';
import { documentSequence } from '../src/engine/bson/document-sequence.ts';
import { DATABASE } from './servers.ts';

/** The field of each command that is sent as raw documents. */
const FIELDS = { insert: 'documents', update: 'updates', delete: 'deletes' } as const;

/**
 * Sends batches of ready-made BSON to one collection as fast as the server accepts them, with write concern majority. No tool can be faster.
 * @param writers  number of parallel batches
 */
export async function sendBatches(
  client: MongoClient,
  collection: string,
  command: keyof typeof FIELDS,
  batches: readonly (readonly Buffer[])[],
  writers: number,
): Promise<void> {
  const waiting = batches.values();
  const write = async () => {
    for (const batch of waiting) {
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
