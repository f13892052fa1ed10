import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { RunningStream } from '../../../src/engine/cutover/running-stream.ts';
import { CappedDiffer, orderCapped, settleCapped } from '../../../src/engine/cutover/settle-capped.ts';
import { NotNow } from '../../../src/engine/mongodb/failure-policy.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { identified } from '../../support/seeds.ts';
import { trackedPair } from '../verify/ordered-pair.ts';

let pair: ReplicaSetPair;
before(async () => {
  pair = await startPair();
  for (const { client } of [pair.source, pair.destination]) {
    const shop = client.db('shop');
    const log = await shop.createCollection<{ _id: number }>('log', { capped: true, size: 100_000 });
    await log.insertMany(identified(10));
  }
});
after(() => pair[Symbol.asyncDispose]());

async function equalLog() {
  const trackedOf = await trackedPair({ source: pair.source.client, destination: pair.destination.client });
  return await trackedOf('log');
}

/** A stream whose verification compares an order by `isInOrder`. */
function streamOf(isInOrder: RunningStream['verification']['isInOrder']): RunningStream {
  return { verification: { seesOthers: true, isInOrder }, inStepAt: async () => undefined } as unknown as RunningStream;
}

test('an order that was compared and is equal needs no further comparison', async () => {
  const { parts, collection } = await equalLog();
  collection.reordered = true;
  await orderCapped(
    parts,
    streamOf(async () => true),
  );
  assert.equal(collection.reordered, false);
  assert.deepEqual(await settleCapped(parts), []);
});

test('an order that may have changed while it was compared has to be compared again, and the write pause refuses it', async () => {
  const { parts, collection } = await equalLog();
  collection.reordered = true;
  const changedMeanwhile = async () => {
    collection.reorders += 1; // What `noteReordered` counts.
    return true;
  };
  await orderCapped(parts, streamOf(changedMeanwhile));
  assert.equal(collection.reordered, true);
  await assert.rejects(settleCapped(parts), (error) => error instanceof NotNow && !(error instanceof CappedDiffer));
});
