import { BSON, type MongoClient } from 'mongodb';
import { inBatches, sendBatches } from '../raw-commands.ts';
import { DATABASE } from '../servers.ts';
import { countOf, documentsOf, KINDS, type Kind, Text } from './data.ts';
import type { Soak } from './soak.ts';

const WRITERS = 2;
/** The loader writes this much before it saves its state again. */
const CHUNK_BYTES = 32e6;
const MOST_PER_BATCH = 5_000;
const BATCH_BYTES = 8e6;

/** Fills the source. Resumes at the last chunk on record. */
export async function load(soak: Soak): Promise<string> {
  const { folder, servers, record } = soak;
  const { client } = servers.pair.source;
  const { state } = folder;
  const text = new Text(state.seed);
  const progress = { loadedBytes: 0 };
  record.look = () => progress;
  for (const kind of KINDS) {
    const count = countOf(kind, state.gigabytes);
    let loaded = state.loaded[kind.name] ?? 0;
    if (loaded < count && (loaded === 0 || kind.options !== undefined)) {
      loaded = 0;
      await create(client, kind, state.gigabytes);
    }
    const perChunk = Math.ceil(CHUNK_BYTES / kind.bytes);
    for (let isFirst = true; loaded < count; isFirst = false) {
      soak.signal.throwIfAborted();
      const documents = documentsOf(kind, loaded, Math.min(perChunk, count - loaded), state.seed, text);
      if (isFirst && loaded > 0) await remove(client, kind, documents);
      const perBatch = Math.min(MOST_PER_BATCH, Math.ceil(BATCH_BYTES / kind.bytes));
      await sendBatches(client, kind.name, 'insert', inBatches(documents, perBatch), WRITERS);
      loaded += documents.length;
      state.loaded[kind.name] = loaded;
      folder.save();
      progress.loadedBytes += documents.reduce((sum, { length }) => sum + length, 0);
    }
  }
  const { dataSize, storageSize, indexSize, objects } = await client.db(DATABASE).stats();
  const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
  return (
    `${objects} documents and buckets, ${megabytes(dataSize)}, ` +
    `${megabytes(storageSize)} on disk with ${megabytes(indexSize)} of indexes`
  );
}

async function create(
  client: MongoClient,
  { name, share, options, indexes = [] }: Kind,
  gigabytes: number,
): Promise<void> {
  await client
    .db(DATABASE)
    .dropCollection(name)
    .catch(() => undefined); // It may not exist.
  const collection = await client.db(DATABASE).createCollection(name, options?.(gigabytes * 1e9 * share));
  for (const index of indexes) await collection.createIndex(index);
}

/** Removes what an interrupted command had inserted of a chunk. */
async function remove(client: MongoClient, { name }: Kind, documents: readonly Buffer[]): Promise<void> {
  const ids = documents.map((document) => BSON.deserialize(document, { promoteBuffers: false })._id);
  await client
    .db(DATABASE)
    .collection(name)
    .deleteMany({ _id: { $in: ids } });
}
