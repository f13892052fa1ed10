import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import type { Document, MongoClient } from 'mongodb';
import type { LeaderProgress } from '../../src/sync/index.ts';
import { memoryOf } from '../../test/engine/memory/slow-destination.ts';
import { eventually } from '../../test/support/eventually.ts';
import { keepFewFilesOpen } from '../../test/support/few-open-files.ts';
import { runLinkspan } from '../../test/support/linkspan-process.ts';
import { startSync } from '../../test/support/sync-process.ts';
import { sendBatches } from '../raw-commands.ts';
import { timed } from '../rounds.ts';
import { DATABASE, startServers } from '../servers.ts';
import { COPYING } from '../soak/report.ts';
import { ID, Template } from '../template.ts';

/**
 * `npm run bench:size -- --collections 5000`, or `--documents 100000000`: plans and migrates so many collections of ten documents with a
 * secondary index, or one collection of documents of 100 bytes. Prints the seconds of each step, compares the servers' hashes of all documents, and
 * fails when Linkspan took more memory than its limit.
 */
const { values } = parseArgs({ options: { collections: { type: 'string' }, documents: { type: 'string' } } });
if ((values.collections === undefined) === (values.documents === undefined))
  throw new Error('Give --collections or --documents.');
const WRITERS = 4;
const DOCUMENTS_OF_A_COLLECTION = 10;
const DOCUMENTS_OF_A_BATCH = 20_000;
const DOCUMENT_BYTES = 100;
/** The default limit of a process. */
const LIMIT_MEGABYTES = 512;
const POLL_MS = 100;
const LONGEST_MS = 3 * 3_600_000;

await using pair = await startServers();
const { source, destination } = pair;
for (const { client } of [source, destination]) await keepFewFilesOpen(client);
const seconds: Record<string, number> = {};

await step('load', () => load(source.client));
await step('plan', plan);
await using sync = await startSync({ source: source.uri, destination: destination.uri });
await step('copy', () => until(({ linkspan }) => !COPYING.has(linkspan?.state ?? 'CREATED')));
await step('ready', () => until(({ canCommit }) => canCommit));
await step('cutover', async () => {
  assert.equal((await sync.call('commit')).success, true);
  await until(({ state }) => state === 'COMMITTED');
});
const { mostMegabytes } = memoryOf(sync.linkspan.pid);
await step('comparison', async () => {
  const [there, here] = await Promise.all([hashOf(source.client), hashOf(destination.client)]);
  assert.equal(here, there);
});
console.log(JSON.stringify({ ...values, seconds, mostMegabytes }));
assert.ok(mostMegabytes < LIMIT_MEGABYTES, 'more memory than the limit');

async function step(name: string, work: () => Promise<unknown>): Promise<void> {
  seconds[name] = Number((await timed(work)).toFixed(1));
  console.error(`${name}: ${seconds[name]} s`);
}

async function until(condition: (progress: LeaderProgress) => boolean): Promise<void> {
  const look = async () => condition(await sync.progress());
  await eventually(look, { what: 'the migration', pollMs: POLL_MS, deadlineMs: LONGEST_MS });
}

async function plan(): Promise<void> {
  await using planned = runLinkspan(['plan', source.uri, destination.uri]);
  assert.equal((await planned.exit).code, 0, planned.stderr);
}

async function load(client: MongoClient): Promise<void> {
  if (values.collections !== undefined) await makeCollections(client, Number(values.collections));
  if (values.documents !== undefined) await makeDocuments(client, Number(values.documents));
}

async function makeCollections(client: MongoClient, number: number): Promise<void> {
  const documents = Array.from({ length: DOCUMENTS_OF_A_COLLECTION }, (_, n) => ({ _id: n, n }) as Document);
  const left = Array.from({ length: number }, (_, n) => `c${String(n).padStart(5, '0')}`).values();
  const make = async () => {
    for (const name of left) {
      const collection = client.db(DATABASE).collection(name);
      await collection.createIndex({ n: 1 });
      await collection.insertMany(documents);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, make));
}

async function makeDocuments(client: MongoClient, number: number): Promise<void> {
  const bare = new Template({ _id: ID, text: '' }).with(0).length;
  const template = new Template({ _id: ID, text: 'x'.repeat(DOCUMENT_BYTES - bare) });
  const batches = function* () {
    for (let from = 0; from < number; from += DOCUMENTS_OF_A_BATCH)
      yield Array.from({ length: Math.min(DOCUMENTS_OF_A_BATCH, number - from) }, (_, n) => template.with(from + n));
  };
  await sendBatches(client, 'documents', 'insert', batches(), WRITERS);
}

async function hashOf(client: MongoClient): Promise<string> {
  const { md5 } = await client.db(DATABASE).command({ dbHash: 1 });
  return md5;
}
