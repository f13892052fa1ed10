import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sampleBounds } from '../../../src/engine/catalog/sample-bounds.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSet, startReplicaSet } from '../../support/replica-set.ts';
import { identified } from '../../support/seeds.ts';

const DOCUMENTS = 5_000;
const RANGES = 4;
const SAMPLE_REPEATED = 28_799;

let cluster: ReplicaSet;
before(async () => {
  cluster = await startReplicaSet();
  await cluster.client.db('shop').collection<{ _id: number }>('items').insertMany(identified(DOCUMENTS));
});
after(() => cluster[Symbol.asyncDispose]());
checkForLeaks({ sockets: false });

const bounds = async (documents = DOCUMENTS) =>
  await sampleBounds(cluster.client, {
    database: 'shop',
    name: 'items',
    documents,
    ranges: RANGES,
    fields: { readConcern: { level: 'majority' } },
  });

test('a collection has one bound fewer than ranges, in the order of its ids', async () => {
  const numbers = (await bounds()).map(({ value }) => value.bytes.readInt32LE());
  assert.equal(numbers.length, RANGES - 1);
  assert.deepEqual(
    numbers.toSorted((a, b) => a - b),
    numbers,
  );
});

test('a collection of which too small a sample may be drawn has no bounds', async () => {
  assert.deepEqual(await bounds(RANGES * 20), []);
});

test('a sample that the server draws in vain is drawn again, and a collection without one has no bounds', async () => {
  const data = { failCommands: ['aggregate'], errorCode: SAMPLE_REPEATED, namespace: 'shop.items' };
  await cluster.failCommand({ mode: { times: 2 }, data });
  assert.equal((await bounds()).length, RANGES - 1);
  await cluster.failCommand({ mode: 'alwaysOn', data });
  assert.deepEqual(await bounds(), []);
  await cluster.clearFailPoints();
});
