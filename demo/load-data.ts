import type { MongoClient } from 'mongodb';
import { type DemoData, database } from './data.ts';

export interface Loaded {
  readonly collections: number;
  readonly documents: number;
  readonly indexes: number;
}

/** Number of documents of one insert. */
const BATCH_DOCUMENTS = 10_000;

/** Loads all documents with their indexes and a view. Waits until a majority of the members has them. */
export async function loadData(client: MongoClient, { datasets, indexes, view }: DemoData): Promise<Loaded> {
  const db = client.db(database);
  const counts = { collections: 0, documents: 0, indexes: 0 };
  for (const { collection, documents } of datasets()) {
    for (let start = 0; start < documents.length; start += BATCH_DOCUMENTS) {
      const batch = documents.slice(start, start + BATCH_DOCUMENTS);
      await db.collection(collection).insertMany(batch, { ordered: false, writeConcern: { w: 1 } });
    }
    counts.collections++;
    counts.documents += documents.length;
  }
  for (const [collection, wanted] of Object.entries(indexes)) {
    await db.collection(collection).createIndexes([...wanted]);
    counts.indexes += wanted.length;
  }
  const { name, ...definition } = view;
  // Writes once more with majority write concern, so that all earlier writes are on a majority.
  await db.createCollection(name, { ...definition, writeConcern: { w: 'majority' } });
  return counts;
}
