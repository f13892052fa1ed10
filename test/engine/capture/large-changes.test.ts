import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Collection } from 'mongodb';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { emptyPair } from '../../support/seeds.ts';
import { hurried } from '../fixed-catalog-shop.ts';
import { onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks({ sockets: false });

interface Item {
  _id: number | string;
  n?: number;
}

/** With the small cache of other tests, the source itself rejects such writes for minutes. */
const ROOMY = { source: { cacheGigabytes: 1 }, destination: { cacheGigabytes: 1 } };

let pair: ReplicaSetPair;
before(async () => {
  pair = await startPair(ROOMY);
});
after(() => pair[Symbol.asyncDispose]());
beforeEach(() => emptyPair(pair));

/** Half of it fits into a document twice, beside a long key. */
const HALF = 7 * 1024 * 1024;
const LONG_KEY = 'k'.repeat(1_000_000);

// id: large-transactions-and-deletes
test('transactions of 1,000 writes, mass deletes and hot documents are migrated, in the copy and while following', async () => {
  const db = pair.source.client.db('large');
  const [items, others] = [db.collection<Item>('items'), db.collection<Item>('others')];
  await items.insertMany(Array.from({ length: 5_000 }, (_, n) => ({ _id: n, n })));
  await others.insertMany([{ _id: 'hot', n: 0 }]);
  const changeALot = async (round: number) => {
    await transact([items, others], round);
    await items.deleteMany({ _id: { $gte: round * 2_000, $lt: round * 2_000 + 1_500 } });
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        for (let n = 0; n < 100; n += 1) await others.updateOne({ _id: 'hot' }, { $inc: { n: 1 } });
      }),
    );
  };
  using changed = onceAt('engine.copy.batch-acknowledged', () => changeALot(0));
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  assert.ok(changed.result !== undefined, 'changed during the copy');
  await changeALot(1);
  await running.commit();
  await expectIdentical(pair);
  const hot = await pair.destination.client.db('large').collection<Item>('others').findOne({ _id: 'hot' });
  assert.equal(hot?.n, 2_000);
});

// id: events-near-16-mib
test('changes whose events are near 16 MiB, or would exceed it, are migrated', async () => {
  const items = pair.source.client.db('large').collection<Item & { a?: string; b?: string; c?: unknown[] }>('items');
  await items.insertMany([{ _id: LONG_KEY, a: 'a'.repeat(HALF) }, { _id: 1 }, { _id: 2 }]);
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  // The event holds the key beside the update, and its token holds it again: together they exceed the largest document.
  await items.updateOne({ _id: LONG_KEY }, { $set: { a: 'b'.repeat(HALF), b: 'b'.repeat(HALF) } });
  await items.updateOne({ _id: LONG_KEY }, { $set: { a: 'c'.repeat(HALF), b: 'd'.repeat(HALF) } });
  await items.updateOne({ _id: 1 }, { $set: { c: Array.from({ length: 600_000 }, (_, n) => n) } });
  await items.updateOne({ _id: 1 }, [{ $set: { c: { $map: { input: '$c', in: { $add: ['$$this', 1] } } } } }]);
  await items.replaceOne({ _id: 2 }, { a: 'e'.repeat(HALF), b: 'f'.repeat(HALF) });
  await items.insertOne({ _id: 3, a: 'g'.repeat(2 * HALF + 1_900_000) });
  await items.deleteOne({ _id: 2 });
  await running.commit();
  await expectIdentical(pair);
});

// id: thousands-of-long-keys
test('thousands of long keys that change at once are migrated', async () => {
  const items = pair.source.client.db('large').collection<Item>('items');
  // The events of all their changes, each with its key three times, exceed one message of a server.
  const keys = Array.from({ length: 1_500 }, (_, n) => `${n}`.padEnd(12_000, 'k'));
  await items.insertMany(keys.map((_id) => ({ _id, n: 0 })));
  using _ = onceAt('engine.copy.batch-acknowledged', () => items.updateMany({}, { $inc: { n: 1 } }));
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  await items.updateMany({}, { $inc: { n: 1 } });
  await running.commit();
  await expectIdentical(pair);
});

test('a document that is too large to be written beside its own _id is reported, and the migration waits for it', async () => {
  const items = pair.source.client.db('large').collection<Item & { a?: string; b?: string }>('items');
  const key = 'k'.repeat(1_500_000);
  await items.insertOne({ _id: key, a: 'a'.repeat(HALF) });
  await using running = RunningMigration.start(pair, { clock: hurried });
  await running.untilReady();
  await items.updateOne({ _id: key }, { $set: { b: 'b'.repeat(HALF) } });
  await running.until('the document to be named', ({ waiting }) => waiting.length > 0);
  const [wait] = running.progress.waiting;
  assert.equal(wait?.for, 'large.items');
  assert.match(wait?.reason ?? '', /large\.items .*_id "kkk.*too large/);
  assert.ok((wait?.reason.length ?? 0) < 500, 'without the whole key');
  await items.updateOne({ _id: key }, { $unset: { b: 1 } });
  await running.commit();
  await expectIdentical(pair);
});

/** 1,000 writes that the source takes all at once. */
async function transact([items, others]: [Collection<Item>, Collection<Item>], round: number) {
  await pair.source.client.withSession((session) =>
    session.withTransaction(async () => {
      for (let n = 0; n < 10; n += 1) {
        const ids = Array.from({ length: 50 }, (_, m) => 10_000 * (round + 1) + n * 50 + m);
        await others.insertMany(
          ids.map((_id) => ({ _id, n })),
          { session },
        );
        const updates = ids.map((_id, m) => ({
          updateOne: { filter: { _id: round * 2_000 + 1_500 + ((n * 50 + m) % 500) }, update: { $set: { n: -_id } } },
        }));
        await items.bulkWrite(updates, { session });
      }
    }),
  );
}
