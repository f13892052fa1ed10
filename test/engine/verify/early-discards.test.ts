import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BSON } from 'mongodb';
import { keyOf } from '../../../src/engine/bson/document-key.ts';
import { wereDeleted } from '../../../src/engine/verify/early-discards.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { trackedPair } from './ordered-pair.ts';

let pair: ReplicaSetPair;
before(async () => {
  pair = await startPair();
});
after(() => pair[Symbol.asyncDispose]());

const CASES: readonly (readonly [
  what: string,
  source: readonly number[],
  destination: readonly number[],
  lost: readonly number[],
  wereDeleted: boolean,
])[] = [
  ['the oldest ones that the source still has', [0, 1, 2, 3], [2, 3], [0, 1], false],
  ['ones that the source has discarded, too', [2, 3], [2, 3], [0, 1], false],
  ['one in the middle', [0, 1, 2, 3], [0, 1, 3], [2], true],
  ['the oldest ones and one in the middle', [0, 1, 2, 3], [1, 3], [0, 2], true],
  ['one that the source has written again', [1, 2, 0], [1, 2], [0], true],
  ['all of them', [0, 1], [], [0, 1], true],
];

for (const [what, source, destination, lost, expected] of CASES)
  test(`of the documents of a capped collection that the destination lost, ${what} count as ${expected ? 'deleted' : 'discarded'}`, async () => {
    for (const [{ client }, keys] of [
      [pair.source, source],
      [pair.destination, destination],
    ] as const) {
      const shop = client.db('shop');
      await shop.dropCollection('log');
      const log = await shop.createCollection<{ _id: number }>('log', { capped: true, size: 100_000 });
      if (keys.length > 0) await log.insertMany(keys.map((n) => ({ _id: n })));
    }
    const trackedOf = await trackedPair({ source: pair.source.client, destination: pair.destination.client });
    const { context, collection } = await trackedOf('log');
    assert.equal(
      await wereDeleted(
        context,
        collection,
        lost.map((_id) => keyOf(Buffer.from(BSON.serialize({ _id })))),
      ),
      expected,
    );
  });

test('documents of a capped collection that the source no longer has count as deleted, and of one that it has dropped as discarded', async () => {
  const sides = { source: pair.source.client, destination: pair.destination.client };
  for (const client of Object.values(sides)) {
    await client.db('shop').dropCollection('gone');
    await client.db('shop').createCollection('gone', { capped: true, size: 100_000 });
  }
  const { context, collection } = await (await trackedPair(sides))('gone');
  const lost = [keyOf(Buffer.from(BSON.serialize({ _id: 0 })))];
  await sides.source.db('shop').dropCollection('gone');
  assert.equal(await wereDeleted(context, collection, lost), true);
  collection.advance({ kind: 'dropped' });
  assert.equal(await wereDeleted(context, collection, lost), false);
});
