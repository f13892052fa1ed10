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
});
after(() => pair[Symbol.asyncDispose]());

/** Fills a capped collection on both sides. */
async function logOf(name: string, documents: readonly { _id: number }[], there = documents) {
  for (const [{ client }, filling] of [
    [pair.source, documents],
    [pair.destination, there],
  ] as const) {
    const log = await client.db('shop').createCollection<{ _id: number }>(name, { capped: true, size: 1_000_000 });
    await log.insertMany([...filling]);
  }
  const trackedOf = await trackedPair({ source: pair.source.client, destination: pair.destination.client });
  return await trackedOf(name);
}

/** A stream whose verification compares an order by `isInOrder`. */
function streamOf(isInOrder: RunningStream['verification']['isInOrder']): RunningStream {
  return { verification: { seesOthers: true, isInOrder }, inStepAt: async () => undefined } as unknown as RunningStream;
}

test('an order that was compared and is equal needs no further comparison', async () => {
  const { context, collection } = await logOf('compared', identified(10));
  collection.reordered = true;
  await orderCapped(
    context,
    streamOf(async () => true),
  );
  assert.equal(collection.reordered, false);
  assert.deepEqual(await settleCapped(context), []);
});

test('a small order that may have changed since is compared in the write pause', async () => {
  const { context, collection } = await logOf('small', identified(10));
  collection.reordered = true;
  const changedMeanwhile = async () => {
    collection.reorders += 1; // What `noteReordered` counts.
    return true;
  };
  await orderCapped(context, streamOf(changedMeanwhile));
  assert.equal(collection.reordered, true);
  assert.deepEqual(await settleCapped(context), []);
});

test('a small order that differs in the write pause ends it, and the collection is copied again', async () => {
  const [first, second, ...rest] = identified(10);
  assert.ok(first && second);
  const { context, collection } = await logOf(
    'swapped',
    [first, second, ...rest],
    [first, ...rest.slice(0, 1), second, ...rest.slice(1)],
  );
  collection.reordered = true;
  await assert.rejects(settleCapped(context), CappedDiffer);
});

test('a large order that may have changed since has to be compared again, and the write pause refuses it', async () => {
  const { context, collection } = await logOf('large', identified(1_001));
  collection.reordered = true;
  await assert.rejects(settleCapped(context), (error) => error instanceof NotNow && !(error instanceof CappedDiffer));
});
