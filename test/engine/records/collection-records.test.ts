import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Binary, UUID } from 'mongodb';
import type { CollectionRecord } from '../../../src/engine/records/records.ts';
import { type ReplicaSet, startReplicaSet } from '../../support/replica-set.ts';
import { holdAt } from '../reach-points.ts';
import { takeMigration } from '../taken-migration.ts';

let set: ReplicaSet;
before(async () => {
  set = await startReplicaSet();
});
after(async () => await set[Symbol.asyncDispose]());

/** A migration with records of two live collections. */
async function begin() {
  const { checkpoint } = await takeMigration(set.client);
  const recordOf = (state: CollectionRecord['state']): CollectionRecord => ({
    _id: { m: checkpoint.migrationId, u: new UUID() },
    sourceDatabase: 'shop',
    sourceName: 'orders',
    destinationDatabase: 'shop',
    destinationName: 'orders',
    destinationUuid: null,
    filter: null,
    state,
    wasLive: false,
    reordered: false,
    options: new Binary(),
    indexes: [],
    documents: 0,
    bytes: 0,
    readAfter: null,
  });
  const [one, another] = [recordOf('live'), recordOf('live')] as const;
  await checkpoint.saveCollections([one, another]);
  return { checkpoint, one, another };
}

test("the last of several writers of a collection's record wins", async () => {
  const { checkpoint, one, another } = await begin();
  using held = holdAt('engine.write.update.collections', { times: 1 });
  const earlier = checkpoint.saveCollection({ ...one, documents: 1 });
  await held.reached;
  const later = checkpoint.saveCollection({ ...one, state: 'indexing' });
  // Writers of other collections' records don't wait.
  await checkpoint.saveCollection({ ...another, state: 'indexing' });
  held.release();
  await Promise.all([earlier, later]);
  assert.deepEqual(
    (await checkpoint.collections()).map(({ state }) => state),
    ['indexing', 'indexing'],
  );
});

test('a record that was removed does not come back by a late write', async () => {
  const { checkpoint, one, another } = await begin();
  await checkpoint.removeCollection(one._id.u);
  await checkpoint.saveCollection(one);
  assert.deepEqual(
    (await checkpoint.collections()).map(({ _id }) => _id.u),
    [another._id.u],
  );
});
