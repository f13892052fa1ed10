import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UUID } from 'mongodb';
import type { CollectionRecord } from '../../../src/engine/records/records.ts';
import { onFailpoint } from '../../../src/platform/index.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

const skip = needsSource('6.0', 'it has no clustered collections');

// id: dropped-before-it-was-made
test('a collection that the source drops before a killed engine could make it does not keep the cutover from its end', {
  skip,
}, async () => {
  await using pair = await startPair();
  const shop = pair.source.client.db('shop');
  await shop.collection('items').insertOne({});
  const clusteredIndex = { key: { _id: 1 }, unique: true };
  await shop.createCollection('sessions', { clusteredIndex, expireAfterSeconds: 3_600 });
  const killAt = (point: string) => onFailpoint(point, () => Promise.reject(new Error('killed')));
  const start = (migrationId?: string) =>
    RunningMigration.start(pair, migrationId === undefined ? {} : { migrationId });

  await using first = start();
  {
    using _ = killAt('engine.change.create');
    await assert.rejects(first.outcome, /killed/);
  }
  const { migrationId } = first.progress;
  await shop.collection('sessions').drop();
  await using second = start(migrationId);
  {
    await second.untilReady();
    using _ = killAt('engine.cutover.committed');
    second.steering.cutOver();
    await assert.rejects(second.outcome, /killed/);
  }
  await using third = start(migrationId);
  assert.equal(await third.outcome, 'COMMITTED');
  await expectIdentical(pair);
});

// id: two-on-record-with-one-name
test('of two collections on record with one name, one is given the collection that a killed engine has made', {
  skip,
}, async () => {
  await using pair = await startPair();
  await pair.source.client.db('shop').createCollection('items');
  await using first = RunningMigration.start(pair);
  await first.untilReady();
  await first.stop();
  const { migrationId } = first.progress;
  // As if engines were killed between the two writes of each, and the source had made the collection anew.
  const records = pair.destination.client.db('linkspan_internal').collection<CollectionRecord>('collections');
  await records.updateOne({ sourceName: 'items' }, { $set: { destinationUuid: null, state: 'creating' } });
  const record = await records.findOne({ sourceName: 'items' });
  assert.ok(record);
  await records.insertOne({ ...record, _id: { ...record._id, u: new UUID() } });

  await using second = RunningMigration.start(pair, { migrationId });
  await second.untilReady();
  await pair.source.client.db('shop').collection('items').insertOne({});
  await second.commit();
  await expectIdentical(pair);
});
