import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { BSON, type MongoClient } from 'mongodb';
import { memoryOf } from '../../test/engine/memory/slow-destination.ts';
import { runLinkspan } from '../../test/support/linkspan-process.ts';
import type { ReplicaSetPair } from '../../test/support/replica-set.ts';
import { DocumentSource } from '../documents.ts';
import { sendBatches } from '../raw-commands.ts';
import { DATABASE, settle, startServers } from '../servers.ts';
import { ID, Template } from '../template.ts';

/**
 * `npm run bench:memory -- [--gigabytes 0.3,1,3]`: the most memory that `linkspan sync --once` takes, with verification, for more and more
 * documents of 700 bytes.
 */
const { values } = parseArgs({ options: { gigabytes: { type: 'string', default: '0.3,1,3' } } });
const COLLECTION = 'orders';
const TEMPLATES = 500;
const BATCH_DOCUMENTS = 5_000;
const WRITERS = 2;
const LOOK_EVERY_MS = 50;

await using pair = await startServers();
const source = new DocumentSource(1);
const templates = Array.from({ length: TEMPLATES }, (_, n) => new Template(BSON.deserialize(source.ordinary(n, ID))));
const table: object[] = [];
let written = { documents: 0, bytes: 0 };
for (const gigabytes of values.gigabytes.split(',').map(Number)) {
  written = await grow(pair.source.client, written, gigabytes * 1e9);
  await settle(pair.destination.client);
  table.push({ gigabytes, documents: written.documents, 'most memory (MB)': await mostMegabytes(pair) });
}
console.table(table);
console.log(JSON.stringify({ title: 'memory', table }));

/** Adds documents until there are so many bytes of them. */
async function grow(client: MongoClient, from: typeof written, bytes: number): Promise<typeof written> {
  const to = { ...from };
  const batches = function* () {
    while (to.bytes < bytes) {
      const batch = Array.from({ length: BATCH_DOCUMENTS }, () => {
        const id = to.documents++;
        return (templates[id % TEMPLATES] as Template).with(id);
      });
      to.bytes += batch.reduce((sum, { length }) => sum + length, 0);
      yield batch;
    }
  };
  await sendBatches(client, COLLECTION, 'insert', batches(), WRITERS);
  return to;
}

async function mostMegabytes({ source: from, destination }: ReplicaSetPair): Promise<number> {
  const uris = ['--cluster0', from.uri, '--cluster1', destination.uri];
  await using linkspan = runLinkspan(['sync', '--once', ...uris]);
  const ended = new AbortController();
  const exit = linkspan.exit.finally(() => ended.abort());
  let most = 0;
  while (!ended.signal.aborted) {
    try {
      most = Math.max(most, memoryOf(linkspan.pid).mostMegabytes || 0);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // It has just ended.
    }
    await delay(LOOK_EVERY_MS, undefined, { signal: ended.signal }).catch(() => undefined);
  }
  const { code } = await exit;
  const copied = await destination.client.db(DATABASE).collection(COLLECTION).estimatedDocumentCount();
  if (code !== 0 || copied !== written.documents)
    throw new Error(`linkspan sync ended with ${code}: ${linkspan.stderr}`);
  return Math.round(most);
}
