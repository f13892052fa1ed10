import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onReach } from '../../src/platform/index.ts';
import { compareClusters } from '../support/compare-clusters.ts';
import { eventually } from '../support/eventually.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { startPair } from '../support/replica-set.ts';
import { RunningMigration } from './running-migration.ts';

checkForLeaks();

for (const point of ['engine.indexes.recorded', 'engine.copy.indexed', 'engine.copy.drained']) {
  test(`an index that is made when a collection has come to ${point} comes over`, async () => {
    await using pair = await startPair();
    const items = pair.source.client.db('shop').collection('items');
    await items.insertMany([{ n: 1 }, { n: 2 }]);
    let dispatched = 0;
    using _counted = onReach('engine.capture.batch-dispatched', () => {
      dispatched += 1;
    });
    let made: Promise<void> | undefined;
    const makeIndex = async () => {
      await items.createIndex({ n: 1 });
      const seen = dispatched;
      await eventually(() => dispatched > seen + 2, { what: 'the stream to pass the index' });
    };
    using _made = onReach(point, () => {
      made ??= makeIndex();
      return made;
    });
    await using running = RunningMigration.start(pair);
    await running.commit();
    assert.ok(made !== undefined, `${point} was reached`);
    assert.deepEqual((await compareClusters(pair.source.client, pair.destination.client)).differences, []);
  });
}

test('a database whose last view goes with it leaves nothing behind', async () => {
  await using pair = await startPair();
  const { client } = pair.source;
  await client.db('shop').collection('items').insertOne({ n: 1 });
  await client.db('views').createCollection('view', { viewOn: 'nothing', pipeline: [] });
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  await client.db('views').dropDatabase();
  await running.commit();
  assert.deepEqual((await compareClusters(pair.source.client, pair.destination.client)).differences, []);
});
