import type { Document, MongoClient } from 'mongodb';
import { SeededRandom } from '../../test/support/seeded-random.ts';
import { DATABASE } from '../servers.ts';

const DAY_SECONDS = 86_400;
const DOCUMENT_BYTES = 2_000;
const LOADED_AT_ONCE = 2_000;

/** The kinds of collections of which a cutover has more to do than of plain ones. */
const KINDS: Readonly<Record<string, (client: MongoClient, bytes: number) => Promise<unknown>>> = {
  // It discards nothing while it is loaded.
  capped: (client, bytes) => client.db(DATABASE).createCollection('capped', { capped: true, size: 2 * bytes }),
  series: (client) =>
    client.db(DATABASE).createCollection('series', { timeseries: { timeField: 'at', metaField: 'of' } }),
  unique: (client) => client.db(DATABASE).collection('unique').createIndex({ n: 1 }, { unique: true }),
  expiring: (client) =>
    client
      .db(DATABASE)
      .collection('expiring')
      .createIndex({ at: 1 }, { expireAfterSeconds: 30 * DAY_SECONDS }),
};

/** Makes a collection of each kind with so many gigabytes of documents. */
export async function loadLargeCollections(client: MongoClient, gigabytes: number): Promise<void> {
  const text = new SeededRandom(7).bytes(1_000_000).toString('base64');
  const count = Math.round((gigabytes * 1e9) / DOCUMENT_BYTES);
  const startMs = Date.now() - DAY_SECONDS * 1_000;
  const documentOf = (n: number): Document => {
    const from = (n * 37) % (text.length - DOCUMENT_BYTES);
    return { n, of: n % 100, at: new Date(startMs + n), text: text.slice(from, from + DOCUMENT_BYTES - 100) };
  };
  for (const [name, make] of Object.entries(KINDS)) {
    await make(client, gigabytes * 1e9);
    for (let from = 0; from < count; from += LOADED_AT_ONCE) {
      const documents = Array.from({ length: Math.min(LOADED_AT_ONCE, count - from) }, (_, k) => documentOf(from + k));
      await client.db(DATABASE).collection(name).insertMany(documents, { ordered: false });
    }
    console.error(`${count} documents in ${name}`);
  }
}
