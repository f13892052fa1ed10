import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type AbandonedCutover, openAbandonedSource } from '../../../src/engine/cutover/open-abandoned-source.ts';
import { announceCommit, stakeClaim } from '../../../src/engine/cutover/source-claim.ts';
import { ALIVE, DONE } from '../../../src/engine/cutover/watchdog-messages.ts';
import { onFailpoint } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import { expectHookReached, runLinkspan, untilStopped } from '../../support/linkspan-process.ts';
import { freePort } from '../../support/mongod-process.ts';
import { childrenOf } from '../../support/process-status.ts';
import { startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { holdAt } from '../reach-points.ts';
import { RunningMigration, syncOnce } from '../running-migration.ts';
import { soonGone } from '../silent-server.ts';

const skip = needsSource('6.0', 'it has no write block');
const PROGRAM = fileURLToPath(new URL('../../../src/engine/cutover/watchdog-process.ts', import.meta.url));
const UNTIL_OPEN = { what: 'the source to take writes' };
const migrationId = 'ab'.repeat(12);
const claimIn = (term: number) => ({ id: 'the engine of the test', migrationId, term });

// id: killed-under-block
test('a source whose engine is killed under the write block is opened by the watchdog, unless the destination has taken over', {
  skip,
}, async (t) => {
  await using pair = await startPair();
  const shop = pair.source.client.db('shop').collection('a');
  const block = async () => {
    // Ends the claims of the test before.
    await pair.source.client.db('admin').command({ setUserWriteBlockMode: 1, global: false });
    await stakeClaim(pair.source.client, claimIn(3));
    await pair.source.client.db('admin').command({ setUserWriteBlockMode: 1, global: true });
  };
  const records = pair.destination.client
    .db('linkspan_internal')
    .collection<{ _id: string; cutover?: { blocking: boolean } }>('migrations');
  const abandoned = (term: number): AbandonedCutover => ({
    claim: claimIn(term),
    source: { uri: pair.source.uri },
    destination: { uri: pair.destination.uri },
  });
  const never = new AbortController().signal;
  await shop.insertOne({ before: true });

  await t.test('a kill', async () => {
    await using killed = await startSync(pair, 'engine.cutover.source-blocked=kill');
    await expectHookReached(killed);
    await eventually(() => shop.insertOne({ after: 'the kill' }), UNTIL_OPEN);
    await eventually(async () => !(await records.findOne())?.cutover?.blocking, UNTIL_OPEN);
  });

  await t.test('an engine that is told to end while the source is silent', async () => {
    await using silent = await startPair({ source: { proxied: true } });
    const items = silent.source.client.db('shop').collection('a');
    await items.insertOne({});
    await using sync = await startSync(
      { source: soonGone(silent.source), destination: silent.destination },
      'engine.cutover.source-blocked=stop',
    );
    await untilStopped(sync);
    for (const proxy of silent.source.proxies) proxy.set({ blackHole: true });
    sync.kill('SIGTERM');
    sync.kill('SIGCONT');
    await sync.exit;
    await assert.rejects(items.insertOne({}), /User writes blocked/);
    for (const proxy of silent.source.proxies) proxy.set({});
    await eventually(() => items.insertOne({ after: 'the end' }), UNTIL_OPEN);
  });

  await t.test('a kill while the destination can not be reached', async () => {
    await using lost = await startPair();
    const items = lost.source.client.db('shop').collection('a');
    await items.insertOne({});
    await using sync = await startSync(
      { source: lost.source, destination: soonGone(lost.destination) },
      'engine.cutover.drained=stop',
    );
    await untilStopped(sync);
    await lost.destination.members[0]?.kill();
    sync.kill('SIGKILL');
    await eventually(() => items.insertOne({ after: 'the kill' }), UNTIL_OPEN);
    await lost.destination.members[0]?.restart();
    const left = await lost.destination.client.db('linkspan_internal').collection('migrations').findOne();
    await syncOnce(lost, { migrationId: String(left?._id) });
    await expectIdentical(lost);
  });

  await t.test('a commit that may have been sent leaves it blocked until the destination answers', async () => {
    await block();
    await announceCommit(pair.source.client, claimIn(3));
    await records.replaceOne(
      { _id: migrationId },
      {
        term: 3,
        cutover: { blocking: true, committed: false },
      } as object,
      { upsert: true },
    );
    await using proxy = await startFaultProxy((await pair.destination.primary()).port);
    proxy.cut();
    const uri = `mongodb://127.0.0.1:${proxy.port}/?directConnection=true&serverSelectionTimeoutMS=500`;
    const opened = openAbandonedSource({ ...abandoned(3), destination: { uri } }, never);
    const asked = { op: 'n', 'o.linkspan.block': 'opening', 'o.linkspan.claim.migrationId': migrationId };
    const oplog = pair.source.client.db('local').collection('oplog.rs');
    const twice = async () => (await oplog.countDocuments(asked)) >= 2;
    await eventually(twice, { what: 'the watchdog to look twice' });
    await assert.rejects(shop.insertOne({}), /User writes blocked/);
    proxy.restore();
    assert.equal(await opened, true);
    await shop.insertOne({ after: 'the answer' });
  });

  await t.test('a record that says so, and a term that has passed, leave it blocked', async () => {
    await block();
    for (const [term, committed] of [
      [3, true],
      [4, false],
    ] as const) {
      await records.replaceOne({ _id: migrationId }, { term, cutover: { blocking: true, committed } } as object, {
        upsert: true,
      });
      assert.equal(await openAbandonedSource(abandoned(3), never), false);
      await assert.rejects(shop.insertOne({}), /User writes blocked/);
    }
  });

  await t.test('a block of an engine that took the migration while the source could not be reached stays', async () => {
    await block();
    await records.replaceOne({ _id: migrationId }, {
      term: 3,
      cutover: { blocking: true, committed: false },
    } as object);
    await using proxy = await startFaultProxy((await pair.source.primary()).port);
    proxy.cut();
    const uri = `mongodb://127.0.0.1:${proxy.port}/?directConnection=true&serverSelectionTimeoutMS=500`;
    const opened = openAbandonedSource({ ...abandoned(3), source: { uri } }, never);
    const taken = async () => (await records.countDocuments({ term: 4 } as object)) === 1;
    await eventually(taken, { what: 'the watchdog to take it' });
    await records.updateOne({ _id: migrationId }, { $set: { term: 5 } });
    await stakeClaim(pair.source.client, { ...claimIn(5), id: 'its successor' });
    proxy.restore();
    assert.equal(await opened, false);
    await assert.rejects(shop.insertOne({}), /User writes blocked/);
  });

  await t.test('a block under a later claim of the migration stays, and on record', async () => {
    await block();
    await stakeClaim(pair.source.client, { ...claimIn(3), id: 'a later attempt' });
    const record = { term: 3, cutover: { blocking: true, committed: false } } as object;
    await records.replaceOne({ _id: migrationId }, record);
    assert.equal(await openAbandonedSource(abandoned(3), never), false);
    await assert.rejects(shop.insertOne({}), /User writes blocked/);
    assert.equal((await records.findOne({ _id: migrationId }))?.cutover?.blocking, true);
  });

  await t.test('an engine that hangs past the deadline', async () => {
    await block();
    await records.replaceOne({ _id: migrationId }, {
      term: 3,
      cutover: { blocking: true, committed: false },
    } as object);
    // Before the engine is about to block, nothing has to be opened, however long that takes.
    const waiting = { ...claimIn(3), migrationId: 'cd'.repeat(12) };
    await records.insertOne({ _id: waiting.migrationId, term: 3, cutover: { blocking: true, committed: false } } as {
      _id: string;
      cutover: { blocking: boolean };
    });
    const start = async (claim: typeof waiting) => {
      const child = spawn(process.execPath, [PROGRAM], { stdio: ['pipe', 'pipe', 'ignore'] });
      child.stdin.write(`${JSON.stringify({ ...abandoned(3), claim, deadlineMs: 10 })}\n`);
      await once(child.stdout, 'data');
      return child;
    };
    // The one that began first has had time to act when the other one has acted.
    const quiet = await start(waiting);
    const watchdog = await start(claimIn(3));
    watchdog.stdin.write(`${ALIVE}\n`);
    assert.deepEqual(await once(watchdog, 'exit'), [0, null]);
    await shop.insertOne({ after: 'the deadline' });
    const record = { _id: migrationId, term: 4, 'cutover.blocking': false, 'cutover.committed': false };
    assert.equal(await records.countDocuments(record), 1);
    assert.equal(quiet.exitCode, null);
    assert.equal(await records.countDocuments({ _id: waiting.migrationId, term: 3 } as object), 1);
    quiet.stdin.write(`${DONE}\n`);
    assert.deepEqual(await once(quiet, 'exit'), [0, null]);
    await records.deleteOne({ _id: waiting.migrationId });
  });

  for (const [point, when] of [
    ['engine.cutover.drained', 'after its watchdog'],
    ['engine.cutover.announced', 'after its watchdog, and has announced its commit,'],
  ] as const)
    await t.test(`an engine that wakes up ${when} can no longer commit`, async () => {
      await using other = await startPair();
      await other.source.client.db('shop').collection('a').insertOne({});
      using _ = onFailpoint(point, async () => {
        const [record] = await other.destination.client
          .db('linkspan_internal')
          .collection('migrations')
          .find()
          .toArray();
        const late = { source: { uri: other.source.uri }, destination: { uri: other.destination.uri } };
        const claim = { id: record?.cutover.claim, migrationId: String(record?._id), term: record?.term };
        const cutover = { ...late, claim };
        assert.equal(await openAbandonedSource(cutover, never), true);
      });
      await using running = RunningMigration.start(other);
      await running.untilReady();
      running.steering.cutOver();
      await assert.rejects(running.outcome, { code: 'TAKEN_OVER' });
      await other.source.client.db('shop').collection('a').insertOne({ writable: 'here alone' });
    });
});

test('the watchdog ends with the commit, however long the work after it takes', { skip }, async () => {
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('a').insertOne({});
  // The servers, and watchdogs of the tests before. The engine starts no other process.
  const before = childrenOf(process.pid);
  const watchdogs = () => childrenOf(process.pid).filter((pid) => !before.includes(pid));
  const seen = { underBlock: 0, afterCommit: 0 };
  using _blocked = onFailpoint('engine.cutover.source-blocked', async () => {
    seen.underBlock = watchdogs().length;
  });
  using _committed = onFailpoint('engine.cutover.unique-prepared', async () => {
    await eventually(() => watchdogs().length === 0, { what: 'the watchdog to end', deadlineMs: 10_000 }).catch(
      () => undefined,
    );
    seen.afterCommit = watchdogs().length;
  });
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  running.steering.cutOver();
  assert.equal(await running.outcome, 'COMMITTED');
  assert.deepEqual(seen, { underBlock: 1, afterCommit: 0 });
});

// id: no-block-after-watchdog
test('no source is blocked once the watchdog of the attempt has ended', { skip }, async () => {
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('a').insertOne({});
  const before = childrenOf(process.pid);
  const watchdogs = () => childrenOf(process.pid).filter((pid) => !before.includes(pid));
  using held = holdAt('engine.cutover.about-to-block', { times: 1 });
  const underBlock: number[] = [];
  using _ = onFailpoint('engine.cutover.source-blocked', async () => void underBlock.push(watchdogs().length));
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  running.steering.cutOver();
  await held.reached;
  for (const pid of watchdogs()) process.kill(pid);
  await eventually(() => watchdogs().length === 0, { what: 'the watchdog to end' });
  held.release();
  assert.equal(await running.outcome, 'COMMITTED');
  assert.deepEqual(underBlock, [1]);
  const [first, second, ...more] = running.progress.cutoverAttempts;
  assert.deepEqual([first?.result, second?.result, more], ['POSTPONED', 'COMMITTED', []]);
  assert.match(first?.reason ?? '', /watchdog/);
});

/** `linkspan sync` that has been told to commit. */
async function startSync(pair: Record<'source' | 'destination', { readonly uri: string }>, hook: string) {
  const port = String(await freePort());
  const sync = runLinkspan(
    ['sync', '--cluster0', pair.source.uri, '--cluster1', pair.destination.uri, '--port', port],
    { hook },
  );
  const call = async (path: string, body?: object) => {
    const init = body && {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    };
    return (await (await fetch(`http://127.0.0.1:${port}/api/v1/${path}`, init)).json()) as {
      success?: boolean;
      progress?: { canCommit: boolean };
    };
  };
  await eventually(async () => (await call('start', { source: 'cluster0', destination: 'cluster1' })).success, {
    what: 'the start',
  });
  await eventually(async () => (await call('progress')).progress?.canCommit, { what: 'readiness' });
  // It dies, or is stopped, in the middle of this.
  void call('commit', {}).catch(() => undefined);
  return sync;
}
