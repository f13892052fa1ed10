import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Collection, Document } from 'mongodb';
import { onFailpoint } from '../../../src/platform/index.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

// id: application-drops-index
test('a drop by applications on the open destination does not prevent the restore of other indexes', {
  skip: needsSource('6.0', 'it has no clustered collections'),
}, async () => {
  await using pair = await startPair();
  const db = pair.source.client.db('shop');
  for (const name of ['dropped', 'replaced', 'hidden by a view', 'without index', 'dropped later', 'kept']) {
    await db.collection(name).insertMany([{ n: 1 }, { n: 2 }]);
    await db.collection(name).createIndex({ n: 1 }, { unique: true });
    await db.collection(name).createIndex({ at: 1 }, { expireAfterSeconds: 3_600 });
  }
  const clusteredIndex = { key: { _id: 1 }, unique: true };
  for (const name of ['clustered', 'clustered and kept'])
    await db.createCollection(name, { clusteredIndex, expireAfterSeconds: 3_600 });

  const moved = pair.destination.client.db('shop');
  const dropInTwoRuns = [
    async () => {
      await moved.dropCollection('dropped');
      await moved.dropCollection('hidden by a view');
      await moved.createCollection('hidden by a view', { viewOn: 'kept', pipeline: [] });
      const out = [{ $match: { n: 1 } }, { $out: 'replaced' }];
      await moved.collection('kept').aggregate(out).toArray();
      await moved.collection('without index').dropIndex('n_1');
      throw new Error('the engine ends here');
    },
    async () => {
      await moved.dropCollection('dropped later');
      await moved.dropCollection('clustered');
      await moved.collection('without index').dropIndex('at_1');
    },
  ];
  using _ = onFailpoint('engine.cutover.destination-open', () => dropInTwoRuns.shift()?.());
  await using first = RunningMigration.start(pair);
  await assert.rejects(first.commit(), /the engine ends here/);
  await using second = RunningMigration.start(pair, { migrationId: first.progress.migrationId });
  assert.equal(await second.outcome, 'COMMITTED');
  assert.deepEqual(await restored(moved.collection('kept')), { unique: ['n_1'], expiring: ['at_1'] });
  assert.deepEqual(await restored(moved.collection('without index')), { unique: [], expiring: [] });
  const [clustered] = await moved.listCollections({ name: 'clustered and kept' }).toArray();
  assert.equal((clustered as Document | undefined)?.options.expireAfterSeconds, 3_600);
});

async function restored(collection: Collection): Promise<{ unique: string[]; expiring: string[] }> {
  const indexes: Document[] = await collection.listIndexes().toArray();
  const namesOf = (those: Document[]) => those.map(({ name }) => name as string);
  return {
    unique: namesOf(indexes.filter(({ unique }) => unique)),
    expiring: namesOf(indexes.filter(({ expireAfterSeconds }) => expireAfterSeconds === 3_600)),
  };
}
