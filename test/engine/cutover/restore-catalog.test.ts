import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BSON, type Document, MongoServerError, UUID } from 'mongodb';
import { fieldsOf } from '../../../src/engine/catalog/fields.ts';
import { TrackedCollection } from '../../../src/engine/collections/tracked-collection.ts';
import { restoreCatalog } from '../../../src/engine/cutover/restore-catalog.ts';
import { startReplicaSet } from '../../support/replica-set.ts';
import { unconnectedContext } from '../unconnected-context.ts';

const IS_VIEW = 166;

test('a collection whose name users have given to a view is found by its new name, or skipped (the refusal is a stand-in)', async () => {
  await using destination = await startReplicaSet();
  const shop = destination.client.db('shop');
  await shop.createCollection('orders');
  await shop.createCollection('items', { viewOn: 'orders', pipeline: [] });
  const [listed] = await shop.listCollections({ name: 'orders' }).toArray();

  /** Restores the expiry of the collection that was called `items`. @returns where it was restored */
  const restore = async (uuid: UUID) => {
    const options = fieldsOf(Buffer.from(BSON.serialize({ expireAfterSeconds: 3_600 })));
    const entry = { database: 'shop', name: 'items', type: 'collection', uuid: new UUID(), options };
    const collection = new TrackedCollection(entry, entry);
    collection.destinationUuid = uuid;
    const restored: unknown[] = [];
    const change = async (_: string, { collMod }: Document) => {
      if (collMod === 'items') throw new MongoServerError({ message: 'is a view', code: IS_VIEW });
      restored.push(collMod);
    };
    const context = unconnectedContext(new AbortController().signal);
    Object.assign(context, { fence: { change }, destination: destination.client });
    await restoreCatalog(context, [collection]);
    return restored;
  };
  assert.deepEqual(await restore((listed as Document).info.uuid), ['orders']);
  assert.deepEqual(await restore(new UUID()), []);
});
