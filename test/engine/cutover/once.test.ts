import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { MongoClient } from 'mongodb';
import { onFailpoint } from '../../../src/platform/index.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { onceAt } from '../reach-points.ts';
import { syncOnce } from '../running-migration.ts';

checkForLeaks();

const skip = needsSource('6.0', 'its catalog has to stand still');

function documents(from: number, count: number, length: number): { n: number; text: string }[] {
  return Array.from({ length: count }, (_, n) => ({ n: from + n, text: 'x'.repeat(length) }));
}

async function inOrder(client: MongoClient, collection: string): Promise<number[]> {
  const found = client
    .db('shop')
    .collection<{ n: number }>(collection)
    .find({}, { hint: { $natural: 1 } });
  return (await found.toArray()).map(({ n }) => n);
}

// id: once-becomes-capped
test('a copy with `once` has every document of a collection that becomes capped meanwhile', { skip }, async () => {
  await using pair = await startPair();
  const db = pair.source.client.db('shop');
  await db.collection('c').insertMany(documents(0, 2_500, 3_000));
  await db.collection('cloned').insertMany(documents(0, 800, 2_500));
  let changed: Promise<unknown> | undefined;
  using _ = onFailpoint('engine.copy.batch-acknowledged', async () => {
    changed ??= (async () => {
      await db.command({ convertToCapped: 'c', size: 60_000_000 });
      await db.command({ cloneCollectionAsCapped: 'cloned', toCollection: 'clone', size: 60_000_000 });
    })();
  });
  await syncOnce(pair, { once: true });
  await changed;
  assert.equal((await inOrder(pair.destination.client, 'c')).length, 2_500);
  const clone = (await inOrder(pair.destination.client, 'clone')).length;
  assert.ok(clone === 0 || clone === 800, `${clone} of the clone's documents`);
});

test('a copy with `once` compares capped collections, which discard on their own', { skip }, async () => {
  await using pair = await startPair();
  const log = await pair.source.client.db('shop').createCollection('log', { capped: true, size: 40_000 });
  await log.insertMany(documents(0, 300, 100));
  // Stands for a document that the destination discards by itself.
  using _ = onceAt('engine.copy.drained', async () => {
    await pair.destination.client
      .db('shop')
      .collection('log')
      .findOneAndDelete({}, { sort: { n: 1 } });
  });
  await syncOnce(pair, { once: true });
  assert.deepEqual(await inOrder(pair.destination.client, 'log'), await inOrder(pair.source.client, 'log'));
  await expectIdentical(pair);
});

test('a copy with `once` ends although the source is written to all the time', { skip }, async () => {
  await using pair = await startPair();
  const db = pair.source.client.db('shop');
  const log = await db.createCollection<{ n: number; text: string }>('log', { capped: true, size: 20_000 });
  const items = db.collection<{ n: number; text: string }>('items');
  await items.insertMany(documents(0, 100, 10));
  const stop = new AbortController();
  const write = async (to: typeof items) => {
    for (let n = 0; !stop.signal.aborted; n += 1) {
      await to.insertOne({ n, text: 'x'.repeat(n % 200) });
      await delay(5);
    }
  };
  const writing = [write(log), write(items)];
  await syncOnce(pair, { once: true });
  stop.abort();
  await Promise.all(writing);
  const copied = await inOrder(pair.destination.client, 'log');
  assert.ok(copied.length > 0);
  assert.deepEqual(
    copied,
    copied.toSorted((a, b) => a - b),
  );
});

test('a definition that another client changes on the destination at the end of a copy with `once` fails it', {
  skip,
}, async () => {
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('items').createIndex({ n: 1 });
  const there = pair.destination.client.db('shop').collection('items');
  using changed = onceAt('engine.cutover.drained', async () => void (await there.dropIndex('n_1')));
  await assert.rejects(syncOnce(pair, { once: true }), { code: 'VERIFICATION_FAILED', message: /shop\.items: / });
  assert.ok(changed.result !== undefined);
});
