import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classify } from '../../../src/engine/mongodb/failure-policy.ts';
import { RawCursor } from '../../../src/engine/mongodb/raw-cursor.ts';
import { startReplicaSet } from '../../support/replica-set.ts';

test('every error of a read while primaries step down is retried', async () => {
  await using set = await startReplicaSet({ mongod: process.env.LINKSPAN_SOURCE_MONGOD });
  await set.client.db('shop').collection('items').insertMany([{}, {}]);
  const met = new Map<string, number>();
  let over = false;
  const readAgainAndAgain = async () => {
    while (!over) {
      try {
        const [cursor] = await RawCursor.open(set.client, 'shop', { find: 'items' });
        await cursor[Symbol.asyncDispose]();
      } catch (error) {
        const what = `${classify(error)}: ${String(error).slice(0, 80)}`;
        met.set(what, (met.get(what) ?? 0) + 1);
      }
    }
  };
  const readers = Array.from({ length: 30 }, readAgainAndAgain);
  for (let n = 0; n < 3; n += 1) await set.stepDown();
  over = true;
  await Promise.all(readers);
  assert.ok(met.size > 0, 'the step-downs were felt');
  assert.deepEqual(
    [...met.keys()].filter((what) => !what.startsWith('transient')),
    [],
  );
});
