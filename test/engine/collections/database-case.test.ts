import { describe, test } from 'node:test';
import { expectIdentical } from '../../support/expect-identical.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';

const skip = needsSource('6.0', 'a change of the catalog stops the migration');

describe('a database that is dropped and created again in another letter case ends as on the source', {
  skip,
}, async () => {
  const fill = async ({ source }: ReplicaSetPair) => {
    const db = source.client.db('Shop');
    await db.collection('c').insertMany([{ n: 1 }, { n: 2 }]);
    await db.createCollection('v', { viewOn: 'c', pipeline: [] });
  };
  const makeAnew = async ({ source }: ReplicaSetPair) => {
    await source.client.db('Shop').dropDatabase();
    await source.client
      .db('shop')
      .collection('c')
      .insertMany([{ n: 3 }, { n: 4 }]);
  };
  const commitsIdentical = async (pair: ReplicaSetPair, running: RunningMigration) => {
    await running.commit();
    await expectIdentical(pair);
  };

  test('while the migration follows', async () => {
    await using pair = await startPair();
    await fill(pair);
    // No data is lost, so no one has to confirm the drop.
    await using running = RunningMigration.start(pair, { confirmDrops: false });
    await running.untilReady();
    await makeAnew(pair);
    await running.until('the new documents', ({ changes, readyForCutover }) => changes.read >= 2 && readyForCutover);
    await commitsIdentical(pair, running);
  });

  test('while the migration follows, where the database has no view', async () => {
    await using pair = await startPair();
    await pair.source.client.db('Shop').collection('c').insertOne({ n: 1 });
    await using running = RunningMigration.start(pair, { confirmDrops: false });
    await running.untilReady();
    await makeAnew(pair);
    await running.until('the new documents', ({ changes, readyForCutover }) => changes.read >= 2 && readyForCutover);
    await commitsIdentical(pair, running);
  });

  test('between two runs', async () => {
    await using pair = await startPair();
    await fill(pair);
    await using first = RunningMigration.start(pair);
    await first.untilReady();
    await first.stop();
    await makeAnew(pair);
    const { migrationId } = first.progress;
    await using second = RunningMigration.start(pair, { migrationId, confirmDrops: false });
    await commitsIdentical(pair, second);
  });
});
