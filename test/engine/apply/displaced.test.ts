import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { UUID } from 'mongodb';
import { coalesce, unknownKey } from '../../../src/engine/apply/dirty-key.ts';
import { Displaced } from '../../../src/engine/apply/displaced.ts';
import { keyFromBytes } from '../../../src/engine/bson/document-key.ts';
import { BSON_TYPE } from '../../../src/engine/bson/elements.ts';
import { TrackedCollection } from '../../../src/engine/collections/tracked-collection.ts';
import { type ReplicaSet, startReplicaSet } from '../../support/replica-set.ts';
import { takeMigration } from '../taken-migration.ts';
import { unconnectedContext } from '../unconnected-context.ts';

let set: ReplicaSet;
before(async () => {
  set = await startReplicaSet();
});
after(() => set[Symbol.asyncDispose]());

const key = keyFromBytes(Buffer.of(BSON_TYPE.int32, 1, 0, 0, 0));

function tracked(...steps: readonly ('created' | 'plan begun' | 'planned' | 'copied')[]): TrackedCollection {
  const entry = { database: 'shop', name: 'seats', type: 'collection', uuid: new UUID(), options: new Map() };
  const collection = new TrackedCollection(entry, entry);
  for (const kind of steps) collection.advance({ kind });
  return collection;
}

/** Returns the displaced keys of a migration with these collections, and what an engine that starts would load. */
async function startWith(...collections: readonly TrackedCollection[]) {
  const { fence } = await takeMigration(set.client);
  const shared = unconnectedContext(AbortSignal.timeout(30_000));
  const context = { ...shared, fence, tracked: new Map(collections.map((one) => [one.id, one])) };
  const loaded = async () => (await new Displaced(context).load()).map(({ displacedBy }) => displacedBy);
  return { displaced: new Displaced(context), loaded };
}

test('a document that makes room again before its key is applied keeps its record until that one is applied', async () => {
  const seats = tracked('created', 'plan begun', 'planned', 'copied');
  const { displaced, loaded } = await startWith(seats);
  await displaced.record(seats, [key], 'first');
  await displaced.record(seats, [key], 'second');
  await displaced.settle(seats, [{ ...unknownKey(seats, key), displacedBy: ['first'] }, unknownKey(seats, key)]);
  assert.deepEqual([await loaded(), seats.displaced.size], [[['second']], 1]);
  await displaced.settle(seats, [{ ...unknownKey(seats, key), displacedBy: ['second'] }]);
  assert.deepEqual([await loaded(), seats.displaced.size], [[], 0]);
});

test('a document that two lanes displace at a time keeps its record until its key is applied, and no longer', async () => {
  const seats = tracked('created', 'plan begun', 'planned', 'copied');
  const { displaced, loaded } = await startWith(seats);
  for (const mark of ['first', 'second']) await displaced.record(seats, [key], mark);
  const [first, second] = ['first', 'second'].map((mark) => ({ ...unknownKey(seats, key), displacedBy: [mark] }));
  assert.ok(first && second);
  await displaced.settle(seats, [coalesce(second, first)]); // The lane that came first on record queued it last.
  assert.deepEqual([await loaded(), seats.displaced.size], [[], 0]);
});

test('a document that made room in a collection that is copied anew, or was dropped, is not read again', async () => {
  const [anew, dropped] = [tracked('created'), tracked('created', 'plan begun', 'planned', 'copied')];
  const { displaced, loaded } = await startWith(anew);
  for (const collection of [anew, dropped]) await displaced.record(collection, [key], 'mark');
  assert.deepEqual(await loaded(), []);
  assert.equal(await set.client.db('linkspan_internal').collection('displaced').countDocuments(), 0);
});
