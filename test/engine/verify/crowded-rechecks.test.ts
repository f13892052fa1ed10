import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VerificationProgress } from '../../../src/contract/index.ts';
import { onFailpoint } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { identified } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { holdAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks({ sockets: false });

const DOCUMENTS = 110_000;
/** The number of keys from which on a collection is compared anew, with those in the lanes and in one batch of the stream. */
const MOST_WAITING = 75_000 + 20_000 + 10_000;

// id: differing-documents-bounded
test('the stream continues when it has to show why all documents that wait differ, and their number is bounded', async () => {
  await using pair = await startPair();
  const [items, copies] = [pair.source, pair.destination].map(({ client }) =>
    client.db('shop').collection<{ _id: number; n: number }>('items'),
  );
  assert.ok(items && copies);
  await items.insertOne({ _id: -1, n: 0 });
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  running.steering.pause();
  await running.until('the pause', ({ state }) => state === 'PAUSED');
  // Each insert that the stream shows is older than the document on the source.
  await items.insertMany(identified(DOCUMENTS, { n: 0 }));
  await items.updateMany({}, { $inc: { n: 1 } });
  let most = 0;
  using _ = onFailpoint('engine.capture.batch-dispatched', () => {
    most = Math.max(most, running.progress.verification.waiting);
  });
  running.steering.resume();
  await running.until('the inserts to be read', ({ changes }) => changes.read >= DOCUMENTS);
  await running.until('the updates to be read', ({ changes }) => changes.read > 2 * DOCUMENTS);
  const isProven = ({ waiting, equalAt }: VerificationProgress) => waiting === 0 && equalAt !== null;
  await running.until('the proof', ({ verification }) => isProven(verification));
  assert.ok(most > 50_000 && most <= MOST_WAITING, String(most));
  assert.equal(await copies.countDocuments({ n: 1 }), DOCUMENTS + 1);
  assert.equal(running.progress.verification.mismatches.found, 0);
});

// id: suspect-waits-its-turn
test('the stream continues while a suspect collection waits for its turn to be compared', {
  skip: needsSource('6.0', 'its oplog is not searched for unstreamed writes'),
}, async () => {
  await using pair = await startPair();
  const { client } = pair.source;
  const later = client.db('shop').collection<{ _id: number; n: number }>('later');
  await client.db('shop').collection('first').insertOne({ n: 0 });
  // One collection is compared at a time.
  using held = holdAt('engine.verify.range-compared');
  await using running = RunningMigration.start(pair, { expectsMismatches: true });
  running.steering.limit({ loadLevel: 1 });
  await held.reached;
  await later.insertMany(identified(DOCUMENTS, { n: 0 }));
  await running.until('the copy of the other one', ({ copy }) => copy.collectionsDone === 2);
  const applyOps = Array.from({ length: 1_001 }, (_, n) => ({ op: 'i', ns: 'shop.later', o: { _id: -n - 1, n: 0 } }));
  await client.db('admin').command({ applyOps, writeConcern: { w: 'majority' } });
  await running.until('the suspicion', ({ repairs }) => repairs !== null);
  const { read } = running.progress.changes;
  await later.updateMany({ _id: { $gte: 0 } }, { $inc: { n: 1 } });
  await running.until('the updates to be read', ({ changes }) => changes.read - read >= DOCUMENTS);
  held.release();
  await running.commit();
  await expectIdentical(pair);
});

test('changed documents of one collection are compared in several batches at a time, while none has come back', async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection<{ _id: number; n: number }>('items');
  await items.insertMany(identified(5_000, { n: 0 }));
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  const replies = Promise.withResolvers<void>();
  let batches = 0;
  using _ = onFailpoint('engine.verify.keys-compared', async () => {
    batches += 1;
    await replies.promise;
  });
  await items.updateMany({}, { $inc: { n: 1 } });
  await eventually(() => batches >= 3, { what: 'three batches at a time' });
  replies.resolve();
  await running.commit();
  await expectIdentical(pair);
});
