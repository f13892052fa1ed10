import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeOnlyThere } from '../../../src/engine/verify/only-there.ts';
import { startPair } from '../../support/replica-set.ts';
import { trackedPair } from './ordered-pair.ts';

test('an operator reads what only the destination has, and nothing of what only the source has', async (t) => {
  await using pair = await startPair();
  const sides = { source: pair.source.client, destination: pair.destination.client };
  const [there, here] = [sides.source.db('shop'), sides.destination.db('shop')];
  await there.collection<{ _id: number; n?: number }>('items').insertMany([{ _id: 0 }, { _id: 1, n: 1 }, { _id: 2 }]);
  await here.collection<{ _id: number; n?: number }>('items').insertMany([{ _id: 1, n: 2 }, { _id: 2 }, { _id: 3 }]);
  const { context, collection } = await (await trackedPair(sides))('items');
  const described = () => describeOnlyThere(context, [collection]);

  await t.test('documents', async () => {
    assert.equal(await described(), '1 document and another state of 1 document of shop.items, first _id 1');
  });

  await t.test('a collection that the source no longer has', async () => {
    await there.dropCollection('items');
    assert.equal(await described(), 'the collection shop.items with 3 documents');
  });

  await t.test('no answer where the source can not be read', async () => {
    const refused = new Error('the user may not');
    const run = (what: string, act: () => Promise<unknown>) =>
      what === 'the source' ? Promise.reject(refused) : context.retrier.run(what, act);
    await assert.rejects(
      describeOnlyThere({ ...context, retrier: { run } as typeof context.retrier }, [collection]),
      refused,
    );
  });

  await t.test('a collection whose drop the engine has followed', async () => {
    collection.advance({ kind: 'dropped' });
    assert.equal(await described(), 'nothing');
  });
});
