import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BSON, MinKey, ObjectId, type UUID } from 'mongodb';
import { keyOf } from '../../../src/engine/bson/document-key.ts';
import { readRange } from '../../../src/engine/compare/document-reader.ts';
import { partsOfRange } from '../../../src/engine/compare/key-range.ts';
import { readKeys } from '../../../src/engine/compare/read-keys.ts';
import { type ReplicaSet, startReplicaSet } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';

const CLUSTERED = { clusteredIndex: { key: { _id: 1 }, unique: true } } as const;
const IGNORES_CASE = { locale: 'en', strength: 2 } as const;
const keyFor = (_id: unknown) => keyOf(Buffer.from(BSON.serialize({ _id })));

describe('in a clustered collection', { skip: needsSource('6.0', 'it has no clustered collections') }, () => {
  let set: ReplicaSet;
  before(async () => {
    set = await startReplicaSet();
  });
  after(() => set[Symbol.asyncDispose]());

  async function fill(name: string, ids: readonly unknown[], options: object = {}) {
    const shop = set.client.db('shop');
    const collection = await shop.createCollection<{ _id: unknown }>(name, { ...CLUSTERED, ...options });
    await collection.insertMany(ids.map((_id) => ({ _id })));
    const [listed] = await shop.listCollections({ name }).toArray();
    const { info } = listed as unknown as { readonly info: { readonly uuid: UUID } };
    return { database: 'shop', name, uuid: info.uuid, isClustered: true, readConcern: { level: 'majority' } };
  }

  test('a range has its upper bound, not its lower one, and the ids of all types between', async () => {
    const ids = [new MinKey(), 1, 2.5, 7, 'a', 'b', { a: 1 }, new ObjectId(), true, new Date(0)];
    const from = await fill('types', ids);
    for (let low = 0; low < ids.length; low += 1)
      for (let high = low; high < ids.length; high += 1) {
        const read: unknown[] = [];
        for (let at = keyFor(ids[low]); ; ) {
          const { documents } = await readRange(set.client, from, { after: at, high: keyFor(ids[high]) }, 3);
          if (documents.length === 0) break;
          read.push(...Array.from(documents, (document) => keyOf(document).identity));
          at = keyOf(documents.at(-1) as Buffer);
        }
        assert.deepEqual(
          read,
          ids.slice(low + 1, high + 1).map((id) => keyFor(id).identity),
        );
      }
  });

  test('a range whose bounds are equal by the collation is empty', async () => {
    const from = await fill('collated', ['ab', 'b'], { collation: IGNORES_CASE });
    const range = { after: keyFor('ab'), high: keyFor('AB') };
    assert.equal((await readRange(set.client, from, range, 10)).documents.length, 0);
  });

  test('a document that several keys find by the collation counts once', async () => {
    const from = await fill('cases', ['ab', 'b'], { collation: IGNORES_CASE });
    const { found, repeated } = await readKeys(set.client, from, [keyFor('ab'), keyFor('AB')], () => true);
    assert.deepEqual([[...found.keys()], repeated], [[keyFor('ab').identity], undefined]);
  });
});

test('a server before 6.0 gets no hint for the buckets of a time series', () => {
  const range = { after: keyFor(1), high: keyFor(2) };
  const [part, ...others] = partsOfRange(range, { isClustered: true, takesHint: false });
  assert.deepEqual([Object.keys(part ?? {}), others], [['filter', 'sort'], []]);
});
