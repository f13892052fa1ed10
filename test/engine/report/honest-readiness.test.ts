import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Clock, systemClock } from '../../../src/platform/index.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { holdAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';
import { gateOf, openGates, watchReadiness } from './ready-watch.ts';

/** Ten seconds of the engine take two and a half: nothing else happens in them. */
const clock: Clock = { ...systemClock, elapsed: () => systemClock.elapsed() * 4 };
/** The limit of the lag, and what two clocks of one process may differ by. */
const LIMIT_MS = 10_000 + 200;
/** Where an acknowledged change can be stuck on its way to the destination, and its comparison. */
const STUCK_AT = [
  'engine.capture.batch-dispatched',
  'engine.apply.batch-taken',
  'engine.capture.oplog-read',
  'engine.verify.keys-compared',
] as const;

describe('a migration is not ready while a change that is older than the limit is not applied', () => {
  for (const point of STUCK_AT) {
    test(`held at ${point}`, async () => {
      await using pair = await filledPair();
      await using running = RunningMigration.start(pair, { clock });
      await running.untilReady();
      using held = holdAt(point);
      await write(pair, 'stuck');
      const writtenAtMs = clock.elapsed();
      let isReleased = false;
      using _ = watchReadiness(running, () => isReleased || clock.elapsed() - writtenAtMs < LIMIT_MS);
      await held.reached;
      await running.until('it to be not ready', ({ readyForCutover }) => !readyForCutover);
      const value = gateOf(running.progress, 'LAG')?.value ?? 0;
      assert.ok(point === 'engine.verify.keys-compared' || value >= 10, `a lag of ${value} s`);
      await running.until('it to stay so', () => clock.elapsed() - writtenAtMs > LIMIT_MS + 500);
      isReleased = true;
      held.release();
      await running.untilReady();
      assert.ok(await isThere(pair, 'stuck'));
    });

    test(`after a restart, held at ${point}`, async () => {
      await using pair = await filledPair();
      await using first = RunningMigration.start(pair);
      await first.untilReady();
      await first.stop();
      await write(pair, 'while it was down');
      using held = holdAt(point);
      let isReleased = false;
      await using second = RunningMigration.start(pair, {
        migrationId: first.progress.migrationId,
        // A comparison would refuse, too.
        verification: point === 'engine.verify.keys-compared' ? 'REPAIR' : 'OFF',
      });
      using _ = watchReadiness(second, () => isReleased);
      await held.reached;
      const open = ({ state, readiness }: typeof second.progress) =>
        state !== 'FOLLOWING' ||
        readiness.some(({ name, state: gate }) => name === 'CATALOGS' && gate !== 'PASSED' && gate !== 'SKIPPED');
      if (point !== 'engine.capture.batch-dispatched')
        await second.until('all but the change to be done', (progress) => !open(progress));
      assert.ok(openGates(second.progress).some((name) => name === 'LAG' || name === 'DOCUMENTS'));
      isReleased = true;
      held.release();
      await second.untilReady();
      assert.ok(await isThere(pair, 'while it was down'));
    });
  }

  test('paused and resumed, before the first batch after the pause', async () => {
    await using pair = await filledPair();
    // A comparison would refuse, too.
    await using running = RunningMigration.start(pair, { verification: 'OFF' });
    await running.untilReady();
    running.steering.pause();
    await running.until('the pause', ({ state }) => state === 'PAUSED');
    assert.deepEqual(gateOf(running.progress, 'RUNNING')?.reasons, ['it is paused']);
    await write(pair, 'while it was paused');
    using held = holdAt('engine.capture.batch-dispatched');
    let isReleased = false;
    using _ = watchReadiness(running, () => isReleased);
    running.steering.resume();
    await running.until('the end of the pause', ({ state }) => state === 'FOLLOWING');
    await held.reached;
    isReleased = true;
    held.release();
    await running.untilReady();
    assert.ok(await isThere(pair, 'while it was paused'));
  });

  test('on a source whose majority lags, where no stream shows what users have written', async () => {
    await using pair = await startPair({ source: { members: 3 } });
    await fill(pair);
    await using running = RunningMigration.start(pair, { clock });
    await running.untilReady();
    const primary = await pair.source.primary();
    const secondaries = pair.source.members.filter((member) => member !== primary);
    const replicate = async (mode: 'off' | 'alwaysOn') => {
      for (const member of secondaries) {
        await using client = pair.source.clientOf(member);
        await client.db('admin').command({ configureFailPoint: 'stopReplProducer', mode });
      }
    };
    await replicate('alwaysOn');
    await write(pair, 'on the primary alone', 1);
    const writtenAtMs = clock.elapsed();
    let isOver = false;
    using _ = watchReadiness(running, () => isOver || clock.elapsed() - writtenAtMs < LIMIT_MS);
    await running.until('it to be not ready', ({ readyForCutover }) => !readyForCutover);
    await running.until('the lag to be seen', (progress) => (gateOf(progress, 'LAG')?.value ?? 0) > 10);
    isOver = true;
    await replicate('off');
    await running.untilReady();
    assert.ok(await isThere(pair, 'on the primary alone'));
  });

  test('in a collection that was created a moment ago', {
    skip: needsSource('6.0', 'it ends the migration'),
  }, async () => {
    await using pair = await filledPair();
    await using running = RunningMigration.start(pair);
    await running.untilReady();
    using held = holdAt('engine.copy.before-first-read');
    await pair.source.client
      .db('shop')
      .collection('new')
      .insertMany(numbered(10, {}), { writeConcern: { w: 'majority' } });
    await held.reached;
    let isReleased = false;
    using _ = watchReadiness(running, () => isReleased);
    assert.deepEqual(gateOf(running.progress, 'COPY')?.reasons, ['1 of 2 collections copied']);
    await running.until('later barriers', ({ changes }) => changes.read > 0);
    isReleased = true;
    held.release();
    await running.untilReady();
    assert.equal(await pair.destination.client.db('shop').collection('new').countDocuments(), 10);
  });
});

test('clocks that differ between hosts, and a clock that is set, neither make a lag small nor keep it large', async () => {
  await using pair = await filledPair();
  let offsetMs = 3_600_000;
  const moved: Clock = { ...systemClock, now: () => Date.now() + offsetMs };
  await using running = RunningMigration.start(pair, { clock: moved });
  await running.untilReady();
  assert.ok((running.progress.lagSeconds ?? 99) <= 10);
  offsetMs = 7_200_000;
  await running.until('the hour to be noticed: the machine may have slept', ({ readyForCutover }) => !readyForCutover);
  await running.untilReady();
  offsetMs = -3_600_000;
  await running.until('a barrier of the new time', (progress) => {
    const { state, measuredAt } = gateOf(progress, 'LAG') ?? {};
    return state === 'PASSED' && Date.parse(measuredAt ?? '') < Date.now();
  });
  await running.commit();
});

async function filledPair(): Promise<ReplicaSetPair> {
  const pair = await startPair();
  await fill(pair);
  return pair;
}

async function fill({ source }: ReplicaSetPair): Promise<void> {
  await source.client
    .db('shop')
    .collection('a')
    .insertMany(numbered(20, {}), { writeConcern: { w: 'majority' } });
}

async function write({ source }: ReplicaSetPair, mark: string, w: 'majority' | 1 = 'majority'): Promise<void> {
  await source.client.db('shop').collection('a').insertOne({ mark }, { writeConcern: { w } });
}

async function isThere({ destination }: ReplicaSetPair, mark: string): Promise<boolean> {
  // Ready means that it is there already: nothing is waited for.
  return (await destination.client.db('shop').collection('a').findOne({ mark })) !== null;
}
