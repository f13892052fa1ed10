import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MongoClient } from 'mongodb';
import { onFailpoint, systemClock } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { type HeldPoint, holdAt } from '../reach-points.ts';
import { RunningMigration, syncOnce } from '../running-migration.ts';

checkForLeaks({ sockets: false });

const skip = needsSource('6.0', 'it has no write block');
const WRITES_BLOCKED = 371;

test('a cutover that a transaction on the source holds up reports it, with the source open, and begins once that has ended', {
  skip,
}, async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection('items');
  await items.insertOne({});
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  const session = pair.source.client.startSession();
  session.startTransaction();
  await items.insertOne({ in: 'a transaction' }, { session });
  running.steering.cutOver();
  await running.until('the wait to be told', ({ state, waiting }) => {
    const wait = waiting.find((one) => one.for === 'a moment in which the source can be blocked');
    return state === 'COMMITTING' && (wait?.reason.startsWith('a transaction') ?? false);
  });
  await items.insertOne({ while: 'it waits' });
  await session.commitTransaction();
  await session.endSession();
  assert.equal(await running.outcome, 'COMMITTED');
  await expectIdentical(pair);
});

test('a migration that is cancelled while its cutover waits, or drains, ends, with the source open', {
  skip,
}, async (t) => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection('items');
  const internal = pair.destination.client.db('linkspan_internal');
  await items.insertOne({});

  await t.test('waits for a transaction', async () => {
    await using running = RunningMigration.start(pair);
    await running.untilReady();
    const session = pair.source.client.startSession();
    session.startTransaction();
    await items.insertOne({ in: 'a transaction' }, { session });
    running.steering.cutOver();
    await running.until('the cutover to wait', ({ state, waiting }) => state === 'COMMITTING' && waiting.length > 0);
    await running.steering.cancel(true);
    assert.equal(await running.outcome, 'CANCELLED');
    await session.abortTransaction();
    await session.endSession();
  });

  await t.test('drains under the block', async () => {
    await using running = RunningMigration.start(pair);
    await running.untilReady();
    let cancelled: Promise<void> | undefined;
    using _blocked = onFailpoint('engine.cutover.source-blocked', async () => {
      cancelled = running.steering.cancel(true);
    });
    running.steering.cutOver();
    await eventually(() => cancelled !== undefined, { what: 'the source to be blocked' });
    await eventually(() => items.insertOne({ open: 'again' }), { what: 'the source to be open' });
    await cancelled;
    assert.equal(await running.outcome, 'CANCELLED');
    await items.insertOne({ open: 'still' });
    const [record] = await internal
      .collection('migrations')
      .find({ state: 'CANCELLED' })
      .sort({ savedAt: -1 })
      .toArray();
    assert.equal(record?.cutover.blocking, false);
  });
});

test('a cutover that is not in sync before its deadline opens the source again, and is retried', {
  skip,
}, async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection('items');
  await items.insertOne({});
  const deadlines: AbortController[] = [];
  const timeout = (ms: number) => {
    const deadline = new AbortController();
    if (ms === 60_000) deadlines.push(deadline);
    return deadline.signal;
  };
  await using running = RunningMigration.start(pair, { clock: { ...systemClock, timeout } });
  await running.untilReady();
  using holds = new DisposableStack();
  let held: HeldPoint | undefined;
  using _blocking = onFailpoint('engine.cutover.about-to-block', async () => {
    if (deadlines.length > 0) return;
    held = holds.use(holdAt('engine.apply.batch-taken'));
    await items.insertOne({ last: true });
  });
  // A busy machine may not set the block in time, and then catches up before it tries again.
  using _opening = onFailpoint('engine.cutover.about-to-open', () => {
    if (deadlines.length === 0) held?.release();
  });
  running.steering.cutOver();
  await running.until('the source to be blocked', ({ cutover }) => cutover?.sourceBlockedAt !== undefined);
  await assert.rejects(items.insertOne({}), { code: WRITES_BLOCKED });
  deadlines[0]?.abort(new Error('late'));
  await eventually(() => items.insertOne({ after: 'the deadline' }), { what: 'the source to be open' });
  assert.equal(running.progress.canWrite, false);
  held?.release();
  assert.equal(await running.outcome, 'COMMITTED');
  assert.equal(deadlines.length, 2);
  await expectIdentical(pair);
});

test('a cutover during which the source elects another primary is retried: that one may not have the block', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { members: 3 } });
  await pair.source.client.db('shop').collection('items').insertOne({});
  let blocked = 0;
  using _ = onFailpoint('engine.cutover.source-blocked', async () => {
    blocked += 1;
    if (blocked === 1) await pair.source.stepDown();
  });
  await syncOnce(pair);
  assert.equal(blocked, 2);
  await expectIdentical(pair);
});

test('no one but the migration can write on the destination until it is the primary copy', { skip }, async () => {
  await using pair = await startPair({ destination: { auth: true } });
  await pair.source.client.db('shop').collection('items').insertOne({});
  await pair.destination.createUser('app', 'secret', ['readWriteAnyDatabase']);
  await using app = new MongoClient(pair.destination.uriFor('app', 'secret'));
  const theirs = app.db('other').collection('items');
  await theirs.insertOne({ before: true });
  await theirs.drop();
  {
    await using first = RunningMigration.start(pair, { migrationId: 'a'.repeat(24) });
    await first.untilReady();
    await assert.rejects(theirs.insertOne({}), { code: WRITES_BLOCKED });
  }
  await assert.rejects(theirs.insertOne({}), { code: WRITES_BLOCKED }, 'while no engine runs');
  await using running = RunningMigration.start(pair, { migrationId: 'a'.repeat(24) });
  await running.untilReady();
  await assert.rejects(theirs.insertOne({}), { code: WRITES_BLOCKED });
  await running.commit();
  await theirs.insertOne({ after: true });
});
