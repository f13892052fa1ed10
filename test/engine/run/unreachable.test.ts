import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReversibleMigration, Steering } from '../../../src/engine/index.ts';
import { newId, silentLogger, systemClock } from '../../../src/platform/index.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { identified } from '../../support/seeds.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks({ sockets: false });

const NOBODY = { uri: 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200' };

// id: waits-for-late-destination
test('a migration that starts before its destination waits for it, reports it, and continues', async () => {
  await using pair = await startPair();
  const orders = pair.source.client.db('shop').collection<{ _id: number }>('orders');
  await orders.insertMany(identified(100));
  const options = { migrationId: newId(), waitForClusters: true };
  {
    await using before = RunningMigration.start(pair, options);
    await before.untilReady();
  }
  const member = await pair.destination.primary();
  await member.kill();
  await orders.deleteMany({ _id: { $lt: 50 } });

  await using running = RunningMigration.start(
    { ...pair, destination: { uri: `${pair.destination.uri}&serverSelectionTimeoutMS=500` } },
    options,
  );
  await running.until('the wait', ({ waiting }) => waiting.length > 0);
  const { waiting, warnings, readyForCutover } = running.progress;
  assert.equal(waiting[0]?.for, 'both clusters');
  assert.match(waiting[0]?.reason ?? '', /^The destination cannot be reached/);
  assert.match(warnings.join(), /Waiting for both clusters since/);
  assert.equal(readyForCutover, false);
  await member.restart();
  await running.commit();
  await expectIdentical(pair);
});

test('a migration that waits for its clusters ends when it is stopped, and a minute after it is cancelled', async () => {
  const options = { waitForClusters: true };
  await using stopped = RunningMigration.start({ source: NOBODY, destination: NOBODY }, options);
  await stopped.until('the wait', ({ waiting }) => waiting.length > 0);
  assert.equal(await stopped.stop(), 'STOPPED');

  let elapsedMs = 0;
  const clock = { ...systemClock, elapsed: () => elapsedMs };
  const sides = { source: NOBODY, destination: NOBODY, dropDestination: false, logger: silentLogger, clock };
  const migration = new ReversibleMigration({ ...options, ...sides, migrationId: newId() });
  const ended = migration.run(new AbortController().signal);
  const cancelled = new Steering(migration).cancel(true);
  elapsedMs = 60_000;
  await assert.rejects(ended, { code: 'CANCELLED_OUT_OF_REACH', message: /127\.0\.0\.1:1/ });
  await assert.rejects(cancelled, { code: 'CANCELLED_OUT_OF_REACH' });
});
