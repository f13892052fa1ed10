import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CutoverAttempt, FIRST_ORDER } from '../../../src/contract/index.ts';
import { writesAreBlocked } from '../../../src/engine/mongodb/write-block.ts';
import { newId, onFailpoint, systemClock } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { expectHookReached, runLinkspan, untilStopped } from '../../support/linkspan-process.ts';
import { freePort } from '../../support/mongod-process.ts';
import { type ReplicaSetPair, startPair, startReplicaSet } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { holdAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';
import { RunningReversible, reversibleUsers } from '../running-reversible.ts';
import { SideWriter } from './side-writer.ts';

const skip = needsSource('6.0', 'it has no write block');
const POINTS = ['engine.rehearsal.begun', 'engine.rehearsal.source-blocked', 'engine.rehearsal.opened'];
/** A rehearsal that waits for a step, or for its own end, stops users for longer, and a busy machine doesn't. */
const TOLERATED_MS = 10_000;
/** A busy machine takes longer for the steps than a rehearsal allows. */
const patient = { ...systemClock, timeout: (ms: number) => systemClock.timeout(20 * ms) };

/** Starts a migration in a process of its own, and waits until it is ready. @param hook  what happens to it, and where */
async function syncProcess(pair: ReplicaSetPair, hook: string) {
  const port = String(await freePort());
  const options = ['--cluster0', pair.source.uri, '--cluster1', pair.destination.uri, '--port', port, '--take-over'];
  const call = async (path: string, body?: object) => {
    const init = body && { method: 'POST', body: JSON.stringify(body) };
    return (await (await fetch(`http://127.0.0.1:${port}/api/v1/${path}`, init)).json()) as {
      success?: boolean;
      progress?: { canCommit: boolean };
    };
  };
  await using resources = new AsyncDisposableStack();
  const child = resources.use(runLinkspan(['sync', ...options], { hook }));
  const start = { source: 'cluster0', destination: 'cluster1' };
  await eventually(async () => (await call('start', start)).success, { what: 'the start' });
  await eventually(async () => (await call('progress')).progress?.canCommit, { what: 'readiness' });
  const kept = resources.move();
  return { process: child, call, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Rehearses until the hook of a process is reached. A busy machine may not block the source in time. Resolves when the last request has ended. */
async function rehearseUntil(
  reached: Promise<unknown>,
  { call }: Pick<Awaited<ReturnType<typeof syncProcess>>, 'call'>,
): Promise<void> {
  let isReached = false;
  const note = () => {
    isReached = true;
  };
  reached.then(note, note);
  while (!isReached) await call('rehearseCommit', {}).catch(() => undefined);
}

/** Rehearses until a rehearsal passes all steps. A busy machine may not reach the end of one in time. */
async function rehearsed(running: RunningMigration): Promise<CutoverAttempt> {
  return await eventually(
    async () => {
      await running.untilReady();
      const name = Date.now();
      running.steering.rehearse(name);
      const ended = await eventually(
        () => running.progress.cutoverAttempts.find(({ rehearsalId, result }) => rehearsalId === name && result),
        { what: 'the rehearsal', deadlineMs: 90_000 },
      );
      assert.ok((ended.stoppedMs ?? 0) <= TOLERATED_MS, `${ended.stoppedMs} ms`);
      return ended.result === 'REHEARSED' ? ended : undefined;
    },
    { what: 'a rehearsal that passes all steps', deadlineMs: 120_000 },
  );
}

test('a rehearsal passes the steps of a cutover, leaves the source open, and says how long the pause would be', {
  skip,
}, async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection('items');
  await items.insertOne({ n: 1 });
  await using running = RunningMigration.start(pair, { clock: patient });
  const { steps, stoppedMs = 0, wouldStopMs = 0 } = await rehearsed(running);
  await items.insertOne({ n: 2 });
  const { canWrite, state, cutover } = running.progress;
  assert.deepEqual([canWrite, state, cutover?.blocking], [false, 'FOLLOWING', false]);
  const names = steps.map(({ name }) => name);
  for (const name of ['block', 'barrier', 'drain', 'last look', 'reopening'] as const) assert.ok(names.includes(name));
  for (const name of ['announcement', 'commit', 'opening'] as const) assert.ok(!names.includes(name));
  assert.ok(stoppedMs > 0 && wouldStopMs > 0);
  const latest = () => running.progress.cutoverAttempts.at(-1)?.number ?? 0;
  const before = latest();
  running.steering.rehearse(1);
  await running.commit();
  assert.ok(latest() > before);
  await expectIdentical(pair);
});

test('a migration that does not block its source, or finds it blocked by hand, is not rehearsed, and says why', {
  skip,
}, async () => {
  await using pair = await startPair();
  const { client } = pair.source;
  await client.db('shop').collection('items').insertOne({ n: 1 });
  for (const [options, reason] of [
    [{ filters: { include: [{ database: 'shop' }] } }, /does not block its source/],
    [{}, /may be another client's/],
  ] as const) {
    await using running = RunningMigration.start(pair, { ...options, clock: patient, dropDestination: true });
    await running.untilReady();
    await client.db('admin').command({ setUserWriteBlockMode: 1, global: true });
    running.steering.rehearse(1);
    const ended = () => running.progress.cutoverAttempts.find(({ result }) => result !== undefined);
    const attempt = await eventually(ended, { what: 'the end of the rehearsal' });
    assert.equal(attempt.result, 'NOT_REHEARSED');
    assert.match(attempt.reason ?? '', reason);
    await assert.rejects(client.db('shop').collection('items').insertOne({ n: 2 }), /User writes blocked/);
    await client.db('admin').command({ setUserWriteBlockMode: 1, global: false });
    await running.stop();
  }
});

test('a rehearsal that is ordered during the copy begins once the migration is ready', { skip }, async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection('items');
  await items.insertOne({ n: 1 });
  using held = holdAt('engine.copy.batch-acknowledged');
  await using running = RunningMigration.start(pair, { clock: patient });
  await held.reached;
  running.migration.follow({ ...FIRST_ORDER, revision: 1, rehearsal: 1 });
  await items.insertOne({ n: 2 });
  await running.until('a change during the copy', ({ changes }) => changes.read > 0);
  held.release();
  const begun = () => running.progress.cutoverAttempts.find(({ rehearsalId }) => rehearsalId === 1);
  const { startedAt } = await eventually(begun, { what: 'the rehearsal' });
  const followed = running.progress.phases.find(({ name }) => name === 'FOLLOWING');
  assert.ok(followed && startedAt >= followed.startedAt, `${startedAt} in ${JSON.stringify(running.progress.phases)}`);
});

test('a rehearsal compares capped collections by their ends, names those that a cutover would copy again, and changes none', {
  skip,
}, async () => {
  await using pair = await startPair();
  const shop = pair.source.client.db('shop');
  // An order of more than 1,000 documents is compared before the pause.
  for (const [name, documents] of Object.entries({ log: 10, audit: 10, reinserted: 1_001 })) {
    await shop.createCollection(name, { capped: true, size: 100_000 });
    await shop.collection(name).insertMany(numbered(documents));
  }
  await using running = RunningMigration.start(pair, { clock: patient });
  await running.untilReady();
  // So that the engine handles the delete only when the document is back.
  using held = holdAt('engine.apply.batch-taken');
  const again = await shop.collection('reinserted').findOneAndDelete({ n: 4 });
  assert.ok(again !== null);
  await shop.collection('reinserted').insertOne(again);
  held.release();
  // A command of test servers, which no stream shows.
  await shop.command({ emptycapped: 'log' });
  const copied = pair.destination.client.db('shop').collection('log');
  const step = (await rehearsed(running)).steps.find(({ name }) => name === 'capped collections');
  assert.match(step?.reason ?? '', /^the ends of 3 capped collections were compared; /);
  assert.match(step?.reason ?? '', /a cutover would copy shop\.log again before the pause/);
  assert.match(step?.reason ?? '', /a cutover would compare all keys of shop\.reinserted before the pause/);
  assert.equal(await copied.countDocuments(), 10, 'a rehearsal changes nothing');
  await running.commit();
  await expectIdentical(pair);
});

test('a rehearsal in the opposite direction blocks the side with the users for a moment, and leaves the other one blocked', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await pair.source.client.db('shop').collection('items').insertMany(numbered(10));
  await using running = new RunningReversible(await reversibleUsers(pair), newId(), { clock: patient });
  await running.cutOver();
  await running.steering.reverse();
  await using here = await SideWriter.start(pair.source, 'source');
  await using there = await SideWriter.start(pair.destination, 'destination');
  const { steps } = await eventually(
    async () => {
      await running.until('readiness', () => running.progress.readyForCutover);
      const name = Date.now();
      running.steering.rehearse(name);
      const isEnded = ({ rehearsalId, result }: CutoverAttempt) => rehearsalId === name && result !== undefined;
      await running.until('the rehearsal', () => running.progress.cutoverAttempts.some(isEnded));
      return running.progress.cutoverAttempts.find((one) => isEnded(one) && one.result === 'REHEARSED');
    },
    { what: 'a rehearsal that passes all steps', deadlineMs: 120_000 },
  );
  assert.ok(!steps.some(({ name }) => name === 'commit'));
  const before = there.acknowledged;
  await eventually(() => there.acknowledged > before, { what: 'users to write where they were' });
  assert.equal(await here.canWrite(), false);
  await running.cutOver();
  await eventually(() => here.canWrite(), { what: 'the old source to be open' });
  for (const writer of [here, there]) await writer.stop();
  await SideWriter.assertTurns([here, there], 1);
});

test('a rehearsal that does not reach its end in time opens the source and names the step', { skip }, async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection('items');
  await items.insertOne({ n: 1 });
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  {
    using held = holdAt('engine.cutover.drained');
    running.steering.rehearse(1);
    await Promise.race([
      held.reached,
      eventually(() => running.progress.cutoverAttempts[0]?.result, { what: 'the end', deadlineMs: 90_000 }),
    ]);
    // The step is still held: the source doesn't wait for it.
    await eventually(() => items.insertOne({ open: true }), { what: 'the source to be open' });
  }
  const ended = await eventually(
    () => running.progress.cutoverAttempts.find(({ rehearsalId, result }) => rehearsalId === 1 && result),
    { what: 'the end of the rehearsal', deadlineMs: 90_000 },
  );
  assert.equal(ended.result, 'NOT_REHEARSED');
  await running.commit();
  await expectIdentical(pair);
});

test('a rehearsal ends with the source open when the operator cuts over, pauses, cancels or stops meanwhile', {
  skip,
}, async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection('items');
  await items.insertOne({ n: 1 });
  const acts = ['pause', 'stop', 'cancel'] as const;
  for (const point of POINTS) {
    for (const act of acts) {
      await using running = RunningMigration.start(pair, { migrationId: newId(), dropDestination: true });
      await running.untilReady();
      let acted: Promise<unknown> | undefined;
      {
        using _ = onFailpoint(point, () => {
          if (act === 'pause') acted ??= Promise.resolve(running.steering.pause());
          if (act === 'stop') acted ??= running.stop();
          if (act === 'cancel') acted ??= running.steering.cancel(true);
        });
        running.steering.rehearse(1);
        const reached = () =>
          acted !== undefined || running.progress.cutoverAttempts.some(({ result }) => result !== undefined);
        await eventually(reached, { what: point, deadlineMs: 90_000 });
        await acted;
      }
      if (act === 'pause')
        await running.until('the end', ({ cutoverAttempts }) => cutoverAttempts[0]?.result !== undefined);
      await items.insertOne({ point, act });
      assert.equal(running.progress.canWrite, false, `${act} at ${point}`);
      await running.steering.cancel(true).catch(() => undefined);
    }
  }
});

test('a rehearsal whose engine is killed or hangs leaves the source open', { skip }, async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection('items');
  await items.insertOne({ n: 1 });
  for (const [point, signal] of [...POINTS.map((one) => [one, 'kill'] as const), [POINTS[1] ?? '', 'stop'] as const]) {
    await using sync = await syncProcess(pair, `${point}=${signal}`);
    const reached = signal === 'kill' ? expectHookReached(sync.process) : untilStopped(sync.process);
    const rehearsing = rehearseUntil(reached, sync);
    await reached;
    await eventually(() => items.insertOne({ after: point }), { what: 'the source to be open' });
    if (signal === 'stop') sync.process.kill('SIGKILL');
    await rehearsing;
  }
  await items.insertOne({ after: 'all' });
});

// id: slept-rehearsal-lifts-nothing
test('a rehearsal whose engine slept does not lift the block of a cutover that came meanwhile', { skip }, async () => {
  await using pair = await startPair();
  await using third = await startReplicaSet();
  const items = pair.source.client.db('shop').collection('items');
  await items.insertOne({ n: 1 });
  await using other = RunningMigration.start({ source: pair.source, destination: third });
  await other.untilReady();
  await using sync = await syncProcess(pair, 'engine.rehearsal.source-blocked=stop');
  const stopped = untilStopped(sync.process);
  const rehearsing = rehearseUntil(stopped, sync);
  await stopped;
  await eventually(() => items.insertOne({ n: 2 }), { what: 'the source to be open' });
  await other.commit();
  assert.equal(await other.outcome, 'COMMITTED');
  sync.process.kill('SIGCONT');
  await rehearsing;
  // Its watchdog has taken the migration over.
  await sync.process.exit;
  assert.equal(await writesAreBlocked(pair.source.client), true);
});
