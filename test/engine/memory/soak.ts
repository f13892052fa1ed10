import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startSync } from '../../support/sync-process.ts';
import { documentOf, LARGEST_BYTES, memoryOf, startSlowPair } from './slow-destination.ts';

/**
 * `npm run test:memory -- --minutes 10 --megabytes-per-second 1 --memory-megabytes 512`: documents of 16 MiB to a destination that takes so
 * much on each connection, copied for half of the time and changed for the other half. Prints what the process `linkspan sync` takes, and
 * fails when that is more than it may take.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    'megabytes-per-second': { type: 'string', default: '1' },
    'memory-megabytes': { type: 'string', default: '512' },
  },
});
const half = Number(values.minutes) * 30_000;
const slow = { bytesPerSecond: Number(values['megabytes-per-second']) * 1e6 };
const COLLECTIONS = 8;
const DOCUMENTS = 6;

await soak();
// Left to itself, Node may wait for ever for what a connection that was reset had not sent.
process.exit();

async function soak(): Promise<void> {
  await using world = await startSlowPair();
  const { pair, proxy, uris } = world;
  const collections = Array.from({ length: COLLECTIONS }, (_, n) =>
    pair.source.client.db('large').collection<{ _id: number }>(`items${n}`),
  );
  for (const collection of collections) {
    for (let _id = 0; _id < DOCUMENTS; _id += 1) await collection.insertOne(documentOf(_id, LARGEST_BYTES));
  }
  proxy.set(slow);
  await using sync = await startSync(uris, ['--memory-megabytes', values['memory-megabytes']]);

  let untilMs = Date.now() + half;
  while (Date.now() < untilMs) await tell(sync, 'copying');
  proxy.set({});
  while (!(await sync.progress()).canCommit) await tell(sync, 'to the end of the copy');
  proxy.set(slow);
  untilMs = Date.now() + half;
  for (let round = 0; Date.now() < untilMs; round += 1) {
    for (const collection of collections) {
      // One that comes with its event, one that has to be fetched.
      await collection.replaceOne(
        { _id: 1_000 + (round % 200) },
        { bytes: documentOf(0, 900_000).bytes },
        { upsert: true },
      );
      await collection.updateOne({ _id: round % DOCUMENTS }, { $set: { round } });
    }
    await tell(sync, 'changing');
  }
  proxy.set({});
  while (!(await sync.progress()).canCommit) await tell(sync, 'to the end of the changes');
  const { mostMegabytes } = memoryOf(sync.linkspan.pid);
  assert.ok(mostMegabytes < Number(values['memory-megabytes']), `it took ${Math.round(mostMegabytes)} MB`);
}

async function tell(sync: Awaited<ReturnType<typeof startSync>>, what: string): Promise<void> {
  await delay(1_000);
  const { nowMegabytes, mostMegabytes } = memoryOf(sync.linkspan.pid);
  const progress = await sync.progress();
  const copied = Math.round(progress.collectionCopy.estimatedCopiedBytes / 1e6);
  console.log(
    `${what}: ${Math.round(nowMegabytes)} MB, at most ${Math.round(mostMegabytes)} MB; ${copied} MB copied, lag ${progress.lagTimeSeconds} s`,
  );
}
