import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Collection } from 'mongodb';
import { startPair } from '../../support/replica-set.ts';
import { startSync } from '../../support/sync-process.ts';
import { memoryOf } from './slow-destination.ts';

/**
 * `npm run test:growth -- --gigabytes 12`: small, middle-sized and large documents and random ids, with indexes, while 500 documents a
 * second change. Prints what the process `linkspan sync` takes until it could cut over, and fails when that is more than 512 MB.
 */
const { values } = parseArgs({ options: { gigabytes: { type: 'string', default: '12' } } });
const MOST_MEGABYTES = 512;
const AT_A_TIME = 25;
const WRITES_EVERY_MS = 50;
/** The shares of an issue's report: 8 million of 700 bytes, 1.5 million of 2 kB, 15,000 of 200 kB, 2 million random ids in 12 GB. */
const PER_GIGABYTE = { small: 667_000, middle: 125_000, large: 1_250, random: 167_000 };
const filling = randomBytes(1_000_000).toString('base64');

type Item = { _id: number | string; text: string; changes?: number };

await run();
// Left to itself, Node may wait for ever for what a connection that was reset had not sent.
process.exit();

async function run(): Promise<void> {
  const roomy = { cacheGigabytes: 2, oplogSizeMegabytes: 4_096 };
  await using pair = await startPair({ source: roomy, destination: roomy });
  const { client } = pair.source;
  const items = (name: string) => client.db('grown').collection<Item>(name);
  const small = items('small');
  await fill(small, 'small', 600, (n) => n);
  await fill(items('middle'), 'middle', 1_900, (n) => n);
  await fill(items('large'), 'large', 200_000, (n) => n);
  await fill(items('random'), 'random', 100, () => randomBytes(16).toString('hex'));
  await small.createIndexes([{ key: { text: 1 } }, { key: { changes: 1, _id: 1 } }]);
  await items('random').createIndexes([{ key: { text: 1 } }]);

  await using sync = await startSync({ source: pair.source.uri, destination: pair.destination.uri });
  const stop = new AbortController();
  const writing = change(small, stop.signal);
  for (let isReady = false; !isReady; ) {
    await delay(5_000);
    const { canCommit, collectionCopy, linkspan } = await sync.progress();
    const { nowMegabytes, mostMegabytes } = memoryOf(sync.linkspan.pid);
    const compared = linkspan.verification.documentsCompared;
    console.log(
      `${Math.round(nowMegabytes)} MB, at most ${Math.round(mostMegabytes)} MB; ` +
        `${Math.round(collectionCopy.estimatedCopiedBytes / 1e6)} MB copied, ${compared} documents compared`,
    );
    isReady = canCommit;
  }
  stop.abort();
  await writing;
  const { mostMegabytes } = memoryOf(sync.linkspan.pid);
  assert.ok(mostMegabytes < MOST_MEGABYTES, `it took ${Math.round(mostMegabytes)} MB`);
}

/** Inserts the documents of a kind, each with a text of about so many bytes. */
async function fill(
  collection: Collection<Item>,
  kind: keyof typeof PER_GIGABYTE,
  bytes: number,
  idOf: (n: number) => Item['_id'],
): Promise<void> {
  const count = Math.round(PER_GIGABYTE[kind] * Number(values.gigabytes));
  const perBatch = Math.min(5_000, Math.ceil(10_000_000 / bytes));
  for (let n = 0; n < count; n += perBatch) {
    const batch = Array.from({ length: Math.min(perBatch, count - n) }, (_, k) => {
      const from = ((n + k) * 37) % (filling.length - bytes);
      return { _id: idOf(n + k), text: filling.slice(from, from + bytes) };
    });
    await collection.insertMany(batch, { ordered: false });
  }
  console.log(`${count} documents in ${collection.collectionName}`);
}

/** Changes 500 documents a second until the signal aborts. */
async function change(collection: Collection<Item>, signal: AbortSignal): Promise<void> {
  const count = Math.round(PER_GIGABYTE.small * Number(values.gigabytes));
  while (!signal.aborted) {
    const updates = Array.from({ length: AT_A_TIME }, () => ({
      updateOne: { filter: { _id: Math.floor(Math.random() * count) }, update: { $inc: { changes: 1 } } },
    }));
    await collection.bulkWrite(updates, { ordered: false });
    await delay(WRITES_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}
