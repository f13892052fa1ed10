import type { IndexDescription, MongoClient } from 'mongodb';
import { DocumentSource } from '../documents.ts';
import { inBatches, sendBatches } from '../raw-commands.ts';
import { DATABASE } from '../servers.ts';

/** Documents of a batch. With 700 bytes each this is 3.5 MB, about the optimum for a server. */
const BATCH_DOCUMENTS = 5_000;

export interface DataSet {
  readonly title: string;
  readonly collections: readonly {
    readonly name: string;
    readonly batches: readonly (readonly Buffer[])[];
    readonly indexes: readonly IndexDescription[];
  }[];
}

/** Documents without secondary index. @param scale  1 for 400,000 ordinary documents */
export function plainDataSet(scale: number): DataSet {
  const count = Math.round(400_000 * scale);
  const source = new DocumentSource(1);
  const documents = Array.from({ length: count }, (_, n) => source.ordinary(n));
  return {
    title: `${count} documents of 700 bytes, no secondary index`,
    collections: [{ name: 'orders', batches: inBatches(documents, BATCH_DOCUMENTS), indexes: [] }],
  };
}

/** Documents with secondary indexes. @param scale  1 for 200,000 ordinary and 200,000 tiny documents */
export function indexedDataSet(scale: number): DataSet {
  const count = Math.round(200_000 * scale);
  const source = new DocumentSource(2);
  const orders = Array.from({ length: count }, (_, n) => source.ordinary(n));
  const ticks = Array.from({ length: count }, (_, n) => source.tiny(n));
  return {
    title: `${count} documents of 700 bytes with 2 secondary indexes, ${count} tiny ones`,
    collections: [
      {
        name: 'orders',
        batches: inBatches(orders, BATCH_DOCUMENTS),
        indexes: [{ key: { n: 1 } }, { key: { category: 1, at: -1 } }],
      },
      { name: 'ticks', batches: inBatches(ticks, BATCH_DOCUMENTS), indexes: [] },
    ],
  };
}

export function documentsOf({ collections }: DataSet): number {
  return collections.flatMap(({ batches }) => batches).reduce((sum, batch) => sum + batch.length, 0);
}

/** Writes a data set from memory: documents, then indexes. */
export async function writeDataSet(client: MongoClient, { collections }: DataSet, writers: number): Promise<void> {
  for (const { name, batches, indexes } of collections) {
    await sendBatches(client, name, 'insert', batches, writers);
    if (indexes.length > 0)
      await client
        .db(DATABASE)
        .collection(name)
        .createIndexes([...indexes]);
  }
}
