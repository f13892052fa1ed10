import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onFailpoint, systemClock } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

/** Without checkpoints, the first write of the migration's record after the last look is the commit. */
const withoutCheckpoints = {
  ...systemClock,
  sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms === 5_000 ? 3_600_000 : ms, signal),
};

const skip = needsSource('6.0', 'it has no write block');

/** The phases in their order. A migration can be cancelled up to the last look. */
const PHASES = [
  'engine.prepare.position-fixed',
  'engine.prepare.destination-ready',
  'engine.copy.before-first-read',
  'engine.copy.collection-copied',
  'engine.copy.drained',
  'engine.cutover.about-to-block',
  'engine.cutover.source-blocked',
  'engine.cutover.drained',
];

// id: cancelled-in-any-phase
test('a migration that is cancelled in any phase ends cancelled, with both sides open and its copy dropped', {
  skip,
}, async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection('items');
  const there = pair.destination.client.db('shop');
  await items.insertMany([{ n: 1 }, { n: 2 }]);
  await items.createIndex({ n: 1 });
  for (const phase of PHASES) {
    await using running = RunningMigration.start(pair);
    let cancelled: Promise<void> | undefined;
    using _ = onFailpoint(phase, async () => {
      cancelled ??= running.steering.cancel(true);
    });
    if (phase.startsWith('engine.cutover')) {
      await running.untilReady();
      running.steering.cutOver();
    }
    await eventually(() => cancelled !== undefined, { what: phase });
    await cancelled;
    assert.equal(await running.outcome, 'CANCELLED', phase);
    await items.insertOne({ open: phase });
    assert.deepEqual(await there.listCollections().toArray(), [], phase);
    await there.collection('own').insertOne({ open: phase });
    await there.dropDatabase();
  }
});

test('a migration that is cancelled past the point of no return is committed, and the cancel fails with an error', {
  skip,
}, async () => {
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('items').insertOne({ n: 1 });
  await using running = RunningMigration.start(pair, { clock: withoutCheckpoints });
  await running.untilReady();
  let drained = false;
  using _drained = onFailpoint('engine.cutover.drained', async () => {
    drained = true;
  });
  let cancelled: Promise<unknown> | undefined;
  using _committing = onFailpoint('engine.write.update.migrations', async () => {
    if (!drained) return;
    cancelled ??= running.steering.cancel(true).catch((error: unknown) => error);
  });
  running.steering.cutOver();
  assert.equal(await running.outcome, 'COMMITTED');
  const answer = await cancelled;
  assert.ok(answer instanceof Error && 'code' in answer && answer.code === 'WRONG_STATE', String(answer));
});
