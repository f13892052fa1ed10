import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId, onFailpoint } from '../../../src/platform/index.ts';
import { compareClusters } from '../../support/compare-clusters.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { emptyCluster } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { OF_CUTOVER } from '../kill-points.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

const skip = needsSource('6.0', 'it has no write block');

// id: restarted-at-any-step
test('an engine that is restarted at any step of the cutover leaves the source open, or finishes what was committed', {
  skip,
}, async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection('items');
  const committed = OF_CUTOVER.indexOf('engine.cutover.committed');
  for (const [at, step] of OF_CUTOVER.entries()) {
    if (!step.startsWith('engine.cutover')) continue;
    await pair.source.client.db('admin').command({ setUserWriteBlockMode: 1, global: false });
    await items.drop();
    await items.createIndex({ n: 1 }, { unique: true });
    await items.insertOne({ n: 1 });
    await emptyCluster(pair.destination.client);
    const migrationId = newId();
    await using first = RunningMigration.start(pair, { migrationId });
    await first.untilReady();
    let stopped: Promise<unknown> | undefined;
    {
      using _ = onFailpoint(step, async () => {
        stopped ??= first.stop().catch(() => undefined);
      });
      first.steering.cutOver();
      await eventually(() => stopped !== undefined, { what: step });
      await stopped;
    }
    if (at < committed) await items.insertOne({ n: 2, after: step });
    await using second = RunningMigration.start(pair, { migrationId });
    if (at < committed) await second.untilReady();
    if (at < committed) second.steering.cutOver();
    assert.equal(await second.outcome, 'COMMITTED', step);
    assert.equal(second.progress.canWrite, true);
    assert.deepEqual((await compareClusters(pair.source.client, pair.destination.client)).differences, [], step);
  }
});

test('a migration that was paused until servers had forgotten its cursors and sessions applies what was written meanwhile', {
  skip,
}, async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection('items');
  await items.insertOne({ n: -1 });
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  running.steering.pause();
  await running.until('the pause', ({ state }) => state === 'PAUSED');
  for (let n = 0; n < 3_000; n += 100) {
    await items.insertMany(Array.from({ length: 100 }, (_, of) => ({ n: n + of })));
    await items.deleteMany({ n: n + 1 });
  }
  await pair.source.client.db('shop').collection('new').insertOne({ made: 'in the pause' });
  // A server does this itself to a session that was not used for 30 minutes.
  for (const side of [pair.source, pair.destination]) await side.client.db('admin').command({ killAllSessions: [] });
  running.steering.resume();
  await running.commit();
  await expectIdentical(pair);
});
