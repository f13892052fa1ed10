import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onFailpoint } from '../../../src/platform/index.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { emptyCluster } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks({ sockets: false });

const skip = needsSource('6.0', 'it has no write block');
const ALARM = /After the commit, the source received (\d+) changes? in (.*)\. They exist only on the source/;

function alarmOf({ progress }: RunningMigration): string[] | undefined {
  return progress.warnings.map((one) => ALARM.exec(one)?.slice(1)).find((one) => one !== undefined);
}

// id: late-writes-warning
test('writes to a source after the commit are a warning of the migration that stays', { skip }, async (t) => {
  await t.test('by a user who bypasses the block', async () => {
    await using pair = await startPair({ source: { auth: true } });
    const items = pair.source.client.db('shop').collection('items');
    await items.insertOne({ n: 1 });
    using _ = onFailpoint('engine.cutover.destination-open', async () => {
      await items.insertMany([{ after: 1 }, { after: 2 }]);
    });
    await using running = RunningMigration.start(pair);
    await running.commit();
    assert.deepEqual(alarmOf(running), ['2', 'shop.items']);
    await using again = RunningMigration.start(pair, { migrationId: running.progress.migrationId });
    assert.equal(await again.outcome, 'COMMITTED');
    assert.deepEqual(alarmOf(again), ['2', 'shop.items']);
  });

  await t.test('of a selection, and of its filtered documents, but of nothing else', async () => {
    await using pair = await startPair();
    const db = pair.source.client.db('shop');
    await db.collection('items').insertMany([{ n: 1 }, { n: 2 }]);
    await db.collection('orders').insertOne({ region: 'north' });
    const options = {
      filters: { include: [{ database: 'shop', collections: ['items', 'orders'] }] },
      documentFilters: [{ database: 'shop', collection: 'orders', filter: { region: 'north' } }],
    };
    const commitWith = async (change: () => Promise<unknown>) => {
      using _ = onFailpoint('engine.cutover.committed', async () => {
        await change();
      });
      await emptyCluster(pair.destination.client);
      await using running = RunningMigration.start(pair, options);
      await running.commit();
      return alarmOf(running);
    };
    const others = async () => {
      await db.collection('orders').insertOne({ region: 'south' });
      await db.collection('logs').insertOne({ not: 'selected' });
    };
    assert.equal(await commitWith(others), undefined);
    const theirs = async () => {
      await others();
      await db.collection('orders').insertOne({ region: 'north', late: true });
      await db.collection('items').deleteOne({ n: 1 });
    };
    assert.deepEqual(await commitWith(theirs), ['2', 'shop.items, shop.orders']);
  });

  await t.test('while no engine ran', async () => {
    await using pair = await startPair({ source: { auth: true } });
    const items = pair.source.client.db('shop').collection('items');
    await items.insertOne({ n: 1 });
    await using first = RunningMigration.start(pair);
    await first.untilReady();
    {
      let stopped: Promise<unknown> | undefined;
      using _ = onFailpoint('engine.cutover.committed', async () => {
        stopped = first.stop();
        await items.insertOne({ after: 'the commit' });
      });
      first.steering.cutOver();
      assert.equal(await first.outcome, 'STOPPED');
      await stopped;
    }
    assert.equal(first.progress.canWrite, false);
    await using second = RunningMigration.start(pair, { migrationId: first.progress.migrationId });
    assert.equal(await second.outcome, 'COMMITTED');
    assert.deepEqual(alarmOf(second), ['1', 'shop.items']);
  });
});

test('a source that is switched off after the commit does not keep the destination from opening', {
  skip,
}, async () => {
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('items').insertOne({ n: 1 });
  using _ = onFailpoint('engine.cutover.committed', async () => {
    await (await pair.source.primary()).kill();
  });
  await using running = RunningMigration.start(pair);
  await running.commit();
  assert.equal(running.progress.canWrite, true);
  assert.equal(alarmOf(running), undefined);
});
