import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UUID } from 'mongodb';
import { refuseRepeatedNames } from '../../../src/engine/collections/refuse-repeated-names.ts';
import { NotNow } from '../../../src/engine/mongodb/failure-policy.ts';

const entry = (name: string, type = 'collection') => {
  return { database: 'shop', name, type, uuid: new UUID(), options: new Map() };
};

test('a listing is repeated when it has two collections, or a collection and a view, with one name', () => {
  refuseRepeatedNames([entry('items'), entry('orders'), entry('system.buckets.series')]);
  assert.throws(() => refuseRepeatedNames([entry('items'), entry('orders'), entry('items')]), NotNow);
  assert.throws(() => refuseRepeatedNames([entry('items'), entry('items', 'view')]), NotNow);
  assert.throws(() => refuseRepeatedNames([entry('system.buckets.series'), entry('series')]), NotNow);
});
