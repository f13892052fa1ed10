import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { MongoClient } from 'mongodb';
import { systemClock } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { type ReplicaSet, type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { holdAt, onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

const skip = needsSource('6.0', 'it has no write block');
const LONGEST_PAUSE_MS = 60_000;
/** Longer than the test waits for the end of an attempt's step, and short enough for the servers to end. */
const SILENT_MS = 10_000;

const logOf = ({ client }: ReplicaSet) => client.db('shop').collection('log');

async function seedLog(client: MongoClient): Promise<void> {
  await client.db('shop').createCollection('log', { capped: true, size: 100_000 });
  await client.db('shop').collection('log').insertMany(numbered(10));
}

// id: capped-written-in-pause
test('a document that somebody writes to a capped collection of the destination in the write pause is not committed', {
  skip,
}, async () => {
  await using pair = await startPair();
  await seedLog(pair.source.client);
  const there = pair.destination.client.db('shop').collection('log');
  await using running = RunningMigration.start(pair, { expectsMismatches: true });
  await running.untilReady();
  // The capped collections are compared by then.
  using written = onceAt('engine.cutover.drained', async () => void (await there.insertOne({ foreign: true })));
  running.migration.want('cutover');
  assert.equal(await running.outcome, 'committed');
  assert.ok(written.result !== undefined);
  const [attempt] = running.progress.cutoverAttempts;
  assert.equal(attempt?.result, 'put off');
  assert.match(attempt?.reason ?? '', /^shop\.log: somebody else wrote to the capped collection/);
  await expectIdentical(pair);
});

test('a copy with `once` compares a capped collection again that somebody writes to on the destination', {
  skip,
}, async () => {
  await using pair = await startPair();
  await seedLog(pair.source.client);
  const there = pair.destination.client.db('shop').collection('log');
  using written = onceAt('engine.cutover.drained', async () => void (await there.insertOne({ foreign: true })));
  await using running = RunningMigration.start(pair, { expectsMismatches: true, once: true });
  assert.equal(await running.outcome, 'committed');
  assert.ok(written.result !== undefined);
  await expectIdentical(pair);
});

// id: silence-in-capped-comparison
test('a side that falls silent while capped collections are compared keeps the source blocked until the deadline only', {
  skip,
}, async () => {
  await using pair = await startPair();
  await seedLog(pair.source.client);
  const deadline = new AbortController();
  const timeout = (ms: number) => (ms === LONGEST_PAUSE_MS ? deadline.signal : systemClock.timeout(ms));
  await using running = RunningMigration.start(pair, { clock: { ...systemClock, timeout } });
  await running.untilReady();
  using silent = onceAt('engine.cutover.source-blocked', async () => {
    const data = { failCommands: ['aggregate'], namespace: 'shop.log', blockConnection: true, blockTimeMS: SILENT_MS };
    await pair.destination.failCommand({ mode: { times: 1 }, data: { ...data, appName: 'linkspan-destination' } });
  });
  running.migration.want('cutover');
  await running.until('the comparison', ({ cutoverAttempts }) => {
    return cutoverAttempts[0]?.steps.at(-1)?.name === 'capped collections';
  });
  deadline.abort(new Error('late'));
  await running.until('the attempt to end', ({ cutoverAttempts }) => cutoverAttempts[0]?.result !== undefined);
  assert.ok(silent.result !== undefined);
  const [attempt] = running.progress.cutoverAttempts;
  assert.equal(attempt?.result, 'put off', attempt?.reason);
  assert.match(attempt?.reason ?? '', /the step "capped collections" was not reached in time/);
  assert.ok((attempt?.stoppedMs ?? SILENT_MS) < SILENT_MS, 'the source was opened before the answer');
});

describe('a capped collection that is being copied again in the write pause', { skip }, () => {
  /** Makes it differ once the source is blocked. */
  const differ = ({ destination }: ReplicaSetPair) =>
    onceAt('engine.cutover.source-blocked', async () => void (await logOf(destination).deleteOne({ n: 5 })));
  const untilEqual = async (pair: ReplicaSetPair) => {
    const wanted = await logOf(pair.source).find().toArray();
    const same = async () => isDeepStrictEqual(await logOf(pair.destination).find().toArray(), wanted);
    await eventually(same, { what: 'the collection to be copied again' });
  };

  // id: copied-anew-after-abort
  test('is copied anew when the cutover is aborted, and nobody is told meanwhile that it is equal', async () => {
    await using pair = await startPair();
    await seedLog(pair.source.client);
    await using running = RunningMigration.start(pair, { expectsMismatches: true });
    await running.untilReady();
    using _ = differ(pair);
    using emptied = holdAt('engine.cutover.capped-emptied', { times: 1 });
    using copying = holdAt('engine.copy.before-first-read');
    running.migration.want('cutover');
    await emptied.reached;
    const aborted = running.migration.abortCutover();
    emptied.release();
    await aborted;
    await copying.reached;
    assert.equal(await logOf(pair.destination).countDocuments(), 0);
    assert.equal(running.progress.readyForCutover, false);
    assert.equal(running.progress.verification.equalAtMs, null);
    copying.release();
    await untilEqual(pair);
    await running.commit();
    await expectIdentical(pair);
  });

  // id: copied-anew-after-takeover
  test('is copied anew by an engine that takes over meanwhile', async () => {
    await using pair = await startPair();
    await seedLog(pair.source.client);
    await using first = RunningMigration.start(pair, { expectsMismatches: true });
    await first.untilReady();
    using _ = differ(pair);
    using emptied = holdAt('engine.cutover.capped-emptied', { times: 1 });
    first.migration.want('cutover');
    await emptied.reached;
    const { migrationId } = first.progress;
    await using second = RunningMigration.start(pair, { migrationId, takeOver: true, expectsMismatches: true });
    await untilEqual(pair);
    await second.commit();
    await expectIdentical(pair);
  });
});
