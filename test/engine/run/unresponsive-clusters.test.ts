import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onFailpoint, systemClock } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { RunningMigration } from '../running-migration.ts';
import { soonGone } from '../silent-server.ts';

checkForLeaks({ sockets: false });

test('a migration whose source is gone can be cancelled, while following and while it is paused', async (t) => {
  for (const paused of [false, true]) {
    await t.test(paused ? 'paused' : 'following', async () => {
      await using pair = await startPair();
      await pair.source.client.db('shop').collection('items').insertOne({});
      await using running = RunningMigration.start({ source: soonGone(pair.source), destination: pair.destination });
      await running.untilReady();
      await (await pair.source.primary()).kill();
      await running.until('the wait', ({ waiting }) => waiting.length > 0);
      if (paused) running.steering.pause();
      await running.steering.cancel(true);
      assert.equal(await running.outcome, 'CANCELLED');
      const { databases } = await pair.destination.client.db('admin').admin().listDatabases({ nameOnly: true });
      assert.ok(databases.every(({ name }) => name !== 'shop'));
    });
  }
});

test('a run that is stopped while the destination builds an index for a long time ends soon', async () => {
  await using pair = await startPair();
  const shop = pair.source.client.db('shop');
  await shop.collection('items').insertOne({ n: 1 });
  await shop.collection('items').createIndex({ n: 1 });
  await pair.destination.failCommand({
    mode: 'alwaysOn',
    data: {
      failCommands: ['createIndexes'],
      appName: 'linkspan-destination',
      blockConnection: true,
      blockTimeMS: 600_000,
    },
  });
  const { promise: building, resolve } = Promise.withResolvers<void>();
  using _ = onFailpoint('engine.change.createIndexes', resolve);
  await using running = RunningMigration.start(pair);
  await building;
  let outcome: string | undefined;
  void running.stop().then((how) => (outcome = how));
  await eventually(() => outcome === 'STOPPED', { what: 'the end of the run' });
});

test('a migration waits for a destination that has a primary and no majority, and reports it', async () => {
  await using pair = await startPair({ destination: { members: 3 } });
  await pair.source.client.db('shop').collection('items').insertOne({});
  const primary = await pair.destination.primary();
  const others = pair.destination.members.filter((member) => member !== primary);
  const stopReplication = async (mode: 'alwaysOn' | 'off') => {
    for (const member of others) {
      await using client = pair.destination.clientOf(member);
      await client.db('admin').command({ configureFailPoint: 'stopReplProducer', mode });
    }
  };
  const timeout = (ms: number) => systemClock.timeout(ms === 30_000 ? 1_000 : ms);
  const clock = { ...systemClock, timeout };
  const isTold = (running: RunningMigration) =>
    running.until('the wait to be told', ({ waiting }) =>
      waiting.some((wait) => wait.for === 'the destination' && wait.reason.includes('acknowledged')),
    );
  await stopReplication('alwaysOn');
  await using running = RunningMigration.start(pair, { clock });
  await isTold(running);
  await stopReplication('off');
  await running.untilReady();
  await stopReplication('alwaysOn');
  await pair.source.client.db('shop').collection('items').insertOne({});
  await isTold(running);
  await stopReplication('off');
  await running.commit();
});
