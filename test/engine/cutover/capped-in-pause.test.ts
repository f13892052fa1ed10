import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MongoClient } from 'mongodb';
import { systemClock } from '../../../src/platform/index.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { type ReplicaSet, startPair } from '../../support/replica-set.ts';
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
test('a document that another client writes to a capped collection of the destination in the write pause is not committed', {
  skip,
}, async () => {
  await using pair = await startPair();
  await seedLog(pair.source.client);
  const there = pair.destination.client.db('shop').collection('log');
  await using running = RunningMigration.start(pair, { expectsMismatches: true });
  await running.untilReady();
  // The capped collections are compared by then.
  using written = onceAt('engine.cutover.drained', async () => void (await there.insertOne({ foreign: true })));
  running.steering.cutOver();
  assert.equal(await running.outcome, 'COMMITTED');
  assert.ok(written.result !== undefined);
  const [attempt] = running.progress.cutoverAttempts;
  assert.equal(attempt?.result, 'POSTPONED');
  assert.match(attempt?.reason ?? '', /^shop\.log: another client wrote to the capped collection/);
  await expectIdentical(pair);
});

test('a copy with `once` compares a capped collection again that another client writes to on the destination', {
  skip,
}, async () => {
  await using pair = await startPair();
  await seedLog(pair.source.client);
  const there = pair.destination.client.db('shop').collection('log');
  using written = onceAt('engine.cutover.drained', async () => void (await there.insertOne({ foreign: true })));
  await using running = RunningMigration.start(pair, { expectsMismatches: true, once: true });
  assert.equal(await running.outcome, 'COMMITTED');
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
    const data = { failCommands: ['find'], namespace: 'shop.log', blockConnection: true, blockTimeMS: SILENT_MS };
    await pair.destination.failCommand({ mode: { times: 1 }, data: { ...data, appName: 'linkspan-destination' } });
  });
  running.steering.cutOver();
  await running.until('the comparison', ({ cutoverAttempts }) => {
    return cutoverAttempts[0]?.steps.at(-1)?.name === 'capped collections';
  });
  deadline.abort(new Error('late'));
  await running.until('the attempt to end', ({ cutoverAttempts }) => cutoverAttempts[0]?.result !== undefined);
  assert.ok(silent.result !== undefined);
  const [attempt] = running.progress.cutoverAttempts;
  assert.equal(attempt?.result, 'POSTPONED', attempt?.reason);
  assert.match(attempt?.reason ?? '', /the step "capped collections" was not reached in time/);
  assert.ok((attempt?.stoppedMs ?? SILENT_MS) < SILENT_MS, 'the source was opened before the answer');
});

// id: copied-again-outside-pause
test('a capped collection whose ends differ in the write pause is copied again while users write', {
  skip,
}, async () => {
  await using pair = await startPair();
  await seedLog(pair.source.client);
  await using running = RunningMigration.start(pair, { expectsMismatches: true });
  await running.untilReady();
  using _ = onceAt(
    'engine.cutover.source-blocked',
    async () => void (await logOf(pair.destination).deleteOne({ n: 0 })),
  );
  using copying = holdAt('engine.copy.before-first-read', { times: 1 });
  running.steering.cutOver();
  await copying.reached;
  const [attempt] = running.progress.cutoverAttempts;
  assert.equal(attempt?.result, 'POSTPONED');
  assert.match(attempt?.reason ?? '', /^shop\.log: a capped collection differs/);
  assert.equal(running.progress.readyForCutover, false);
  assert.equal(running.progress.verification.equalAt, null);
  await logOf(pair.source).insertOne({ n: 10 });
  copying.release();
  assert.equal(await running.outcome, 'COMMITTED');
  await expectIdentical(pair);
  assert.deepEqual(await numbersOf(pair.destination), await numbersOf(pair.source));
});

// id: documents-above-size
test('a source that holds more documents than the size of a capped collection allows is cut over, and the report names the collection', {
  skip,
}, async () => {
  await using pair = await startPair();
  await holdAboveSize(pair.source);
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  await logOf(pair.source).insertMany(numbered(50));
  await running.commit();
  const { cutoverAttempts, verification } = running.progress;
  assert.deepEqual(
    cutoverAttempts.map(({ result }) => result),
    ['POSTPONED', 'COMMITTED'],
    'copied once more, because the destination may have lost count, too',
  );
  assert.equal(verification.externalWrites, 0);
  assert.deepEqual(verification.cappedUncertain, ['shop.log']);
  const [kept, all] = [await numbersOf(pair.destination), await numbersOf(pair.source)];
  assert.ok(kept.length > 0 && kept.length < all.length);
  assert.deepEqual(kept, all.slice(-kept.length), 'it lacks the oldest ones only');
});

/** Makes a server lose count in a crash. What it has written since the last checkpoint isn't counted (fact 8.20). */
async function holdAboveSize({ client, members, primary }: ReplicaSet): Promise<void> {
  const database = client.db('shop');
  await database.createCollection('log', { capped: true, size: 100_000 });
  const add = (count: number) => database.collection('log').insertMany(numbered(count, { text: 'x'.repeat(1_000) }));
  await add(40);
  await client.db('admin').command({ fsync: 1 });
  await add(40);
  for (const member of members) {
    await member.kill('SIGKILL');
    await member.restart();
  }
  await primary();
  await add(200);
  assert.ok((await database.collection('log').countDocuments()) > 100);
}

const numbersOf = async (set: ReplicaSet) =>
  (
    await logOf(set)
      .find({}, { hint: { $natural: 1 } })
      .toArray()
  ).map(({ _id }) => String(_id));
