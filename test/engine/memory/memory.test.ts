import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MongoClient } from 'mongodb';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startSync } from '../../support/sync-process.ts';
import { documentOf, LARGEST_BYTES, memoryOf, startSlowPair } from './slow-destination.ts';

checkForLeaks({ sockets: false });

const MOST_MEGABYTES = 512;
/** The bytes that are read and not yet counted as copied or compared. */
const MOST_AHEAD_BYTES = 8 * LARGEST_BYTES;

// id: slow-destination-16-mib
test('a slow destination holds its source back, and documents of 16 MiB take no more memory than the process may', async () => {
  await using world = await startSlowPair();
  const { pair, proxy, uris } = world;
  const collections = Array.from({ length: 4 }, (_, n) =>
    pair.source.client.db('large').collection<{ _id: number }>(`items${n}`),
  );
  for (const collection of collections) {
    for (let _id = 0; _id < 3; _id += 1) await collection.insertOne(documentOf(_id, LARGEST_BYTES));
  }
  proxy.set({ bytesPerSecond: 25e6 });
  const sentBefore = await bytesSent(pair.source.client);
  await using sync = await startSync(uris);
  let mostAhead = 0;
  const copied = async () => {
    const read = (await bytesSent(pair.source.client)) - sentBefore;
    const { collectionCopy, canCommit, linkspan } = await sync.progress();
    // The verification reads each document once more.
    const { bytesCompared } = linkspan.verification;
    mostAhead = Math.max(mostAhead, read - collectionCopy.estimatedCopiedBytes - bytesCompared);
    return canCommit;
  };
  await eventually(copied, { what: 'the end of the copy', deadlineMs: 300_000, pollMs: 100 });
  for (const collection of collections) await collection.updateMany({}, { $set: { changed: true } });
  await eventually(async () => (await sync.progress()).totalEventsApplied >= 12, {
    what: 'the end of the changes',
    pollMs: 100,
  });
  const { mostMegabytes } = memoryOf(sync.linkspan.pid);
  assert.ok(mostMegabytes < MOST_MEGABYTES, `it took ${mostMegabytes} MB`);
  assert.ok(mostAhead < MOST_AHEAD_BYTES, `${mostAhead} bytes were read ahead`);
  proxy.set({});
  await expectIdentical(pair);
});

async function bytesSent(client: MongoClient): Promise<number> {
  return Number((await client.db('admin').command({ serverStatus: 1 })).network.bytesOut);
}
