import type { IndexDescription, MongoClient } from 'mongodb';
import { DocumentBatch } from '../../src/engine/bson/document-batch.ts';
import { DocumentSource } from '../documents.ts';
import { sendAll } from '../raw-commands.ts';
import { DATABASE } from '../servers.ts';

/** Size of a batch, which is about the optimum for a server. */
const BATCH_BYTES = 3_500_000;

interface Collection {
  readonly name: string;
  readonly batches: readonly DocumentBatch[];
  readonly indexes: readonly IndexDescription[];
}

export interface DataSet {
  readonly title: string;
  readonly collections: readonly Collection[];
}

/** Documents without secondary index. @param scale  1 for 400,000 ordinary documents */
export function plainDataSet(scale: number): DataSet {
  const count = Math.round(400_000 * scale);
  const source = new DocumentSource(1);
  return {
    title: `${count} documents of 700 bytes, no secondary index`,
    collections: [collectionOf('orders', count, (n) => source.ordinary(n))],
  };
}

/** Documents with secondary indexes. @param scale  1 for 200,000 ordinary and 200,000 tiny documents */
export function indexedDataSet(scale: number): DataSet {
  const count = Math.round(200_000 * scale);
  const source = new DocumentSource(2);
  const indexes: readonly IndexDescription[] = [{ key: { n: 1 } }, { key: { category: 1, at: -1 } }];
  return {
    title: `${count} documents of 700 bytes with 2 secondary indexes, ${count} tiny ones`,
    collections: [
      collectionOf('orders', count, (n) => source.ordinary(n), indexes),
      collectionOf('ticks', count, (n) => source.tiny(n)),
    ],
  };
}

/** Documents with random ids. @param scale  1 for 1,200,000 documents, which is more than a small cache can hold */
export function randomDataSet(scale: number): DataSet {
  const count = Math.round(1_200_000 * scale);
  const source = new DocumentSource(3);
  return {
    title: `${count} documents of 700 bytes with random ids`,
    collections: [collectionOf('orders', count, (n) => source.ordinary(n, source.randomId()))],
  };
}

/** Documents of one text. @param count  how many there are with scale 1 */
export function textDataSet(count: number, bytes: number): (scale: number) => DataSet {
  return (scale) => {
    const source = new DocumentSource(4);
    const documents = Math.round(count * scale);
    return {
      title: `${documents} documents of ${bytes} bytes`,
      collections: [collectionOf('texts', documents, (n) => source.text(n, bytes))],
    };
  };
}

/** Many small collections. @param scale  1 for 500 collections of 200 ordinary documents */
export function smallCollectionsDataSet(scale: number): DataSet {
  const count = Math.round(500 * scale);
  const source = new DocumentSource(5);
  return {
    title: `${count} collections of 200 documents of 700 bytes`,
    collections: Array.from({ length: count }, (_, one) => collectionOf(`small${one}`, 200, (n) => source.ordinary(n))),
  };
}

export function documentsOf({ collections }: DataSet): number {
  return collections.flatMap(({ batches }) => batches).reduce((sum, batch) => sum + batch.length, 0);
}

/** Writes a data set from memory: documents, then indexes. */
export async function writeDataSet(client: MongoClient, dataSet: DataSet, writers: number): Promise<void> {
  const { collections } = dataSet;
  const all = collections.flatMap(({ name, batches }) => batches.map((batch) => ({ collection: name, batch })));
  await sendAll(client, 'insert', all, writers);
  await makeIndexes(client, dataSet);
}

/** Builds the indexes of all collections. */
export async function makeIndexes(client: MongoClient, { collections }: DataSet): Promise<void> {
  for (const { name, indexes } of collections) {
    if (indexes.length > 0)
      await client
        .db(DATABASE)
        .collection(name)
        .createIndexes([...indexes]);
  }
}

/** Makes documents batch by batch: millions of them would not fit into the heap. */
function collectionOf(
  name: string,
  count: number,
  make: (n: number) => Buffer,
  indexes: readonly IndexDescription[] = [],
): Collection {
  const batches: DocumentBatch[] = [];
  let documents: Buffer[] = [];
  let bytes = 0;
  for (let n = 0; n < count; n += 1) {
    const document = make(n);
    documents.push(document);
    bytes += document.length;
    if (bytes < BATCH_BYTES && n < count - 1) continue;
    batches.push(DocumentBatch.of(documents));
    documents = [];
    bytes = 0;
  }
  return { name, batches, indexes };
}
