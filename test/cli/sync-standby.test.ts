import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reversibleUsers } from '../engine/running-reversible.ts';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { startPair } from '../support/replica-set.ts';
import { needsSource } from '../support/source-version.ts';
import { openSync, type SyncProcess, startSync } from '../support/sync-process.ts';
import {
  commit,
  fill,
  startBoth,
  TAKEN_OVER_WITHIN_MS,
  untilLeading,
  untilReady,
  urisOf,
} from './leader-and-standby.ts';

const skip = needsSource('6.0', 'it has no write block');

test('a standby refuses calls, names its leader, and resumes the copy of a leader that was killed', {
  skip,
}, async () => {
  await using pair = await startPair();
  await fill(pair);
  await using both = await startBoth(urisOf(pair), ['--max-megabytes-per-second', '0.5']);
  const { leader, standby } = both;
  const { state, info, linkspan } = await standby.progress();
  assert.equal(state, 'IDLE');
  assert.match(info, /^standby: process \d+ on host \S+ leads the migration, and wrote \d+ s ago$/);
  for (const name of ['start', 'commit', 'pause']) {
    const { success, error, errorDescription } = await standby.call(name);
    assert.deepEqual([success, error], [false, 'Standby']);
    assert.match(String(errorDescription), new RegExp(`Process ${linkspan.standby.pid} on host \\S+ leads`));
  }
  leader.linkspan.kill('SIGKILL');
  await untilLeading(standby);
  await standby.linkspan.waitForLine(/linkspan sync: resuming/);
  assert.equal((await standby.call('load', { maxMegabytesPerSecond: null })).success, true);
  await commit(standby, pair);
});

test('a leader that hangs loses the migration, waits as a standby, and gets it back when the other one ends', {
  skip,
}, async () => {
  await using pair = await startPair();
  await fill(pair);
  await using both = await startBoth(urisOf(pair));
  const { leader, standby } = both;
  await untilReady(leader);
  leader.linkspan.kill('SIGSTOP');
  await untilReady(standby);
  leader.linkspan.kill('SIGCONT');
  await eventually(async () => (await leader.progress()).linkspan?.standby !== undefined, {
    what: 'the former leader to stand by',
    deadlineMs: TAKEN_OVER_WITHIN_MS,
  });
  await pair.source.client.db('shop').collection('items').deleteMany({ n: 1 });
  standby.linkspan.kill('SIGTERM');
  assert.equal((await standby.linkspan.exit).code, 4, standby.linkspan.stderr);
  await untilLeading(leader);
  await commit(leader, pair);
});

test('a paused migration stays paused when a standby takes it over', { skip }, async () => {
  await using pair = await startPair();
  await fill(pair);
  await using both = await startBoth(urisOf(pair));
  const { leader, standby } = both;
  assert.equal((await leader.call('pause')).success, true);
  await eventually(async () => (await leader.progress()).state === 'PAUSED', { what: 'the pause' });
  leader.linkspan.kill('SIGKILL');
  await eventually(async () => (await standby.progress()).linkspan?.wanted === 'PAUSED', {
    what: 'the pause of the standby',
    deadlineMs: TAKEN_OVER_WITHIN_MS,
  });
  await eventually(async () => (await standby.progress()).state === 'PAUSED', { what: 'the end of its work' });
  assert.equal((await standby.call('resume')).success, true);
  await commit(standby, pair);
});

test('a standby opens the source when the leader is killed in the write pause, and commits then', {
  skip,
}, async () => {
  await using pair = await startPair();
  await fill(pair);
  await using both = await startBoth(urisOf(pair), [], { hook: 'engine.cutover.source-blocked=kill' });
  const { leader, standby } = both;
  await untilReady(leader);
  assert.equal((await leader.call('commit')).success, true);
  assert.equal((await leader.linkspan.exit).signal, 'SIGKILL');
  await untilLeading(standby);
  const items = pair.source.client.db('shop').collection('items');
  await eventually(() => items.insertOne({ n: -1 }).catch(() => undefined), { what: 'a write on the source' });
  await commit(standby, pair);
});

// id: leader-and-destination-lost
test('a standby opens the source when the leader and the destination are lost together in the write pause', {
  skip,
}, async () => {
  await using pair = await startPair();
  await fill(pair);
  // A process that stops is to the others what a lost host is: its watchdog waits, too.
  await using both = await startBoth(urisOf(pair), [], { hook: 'engine.cutover.source-blocked=stop' });
  const { leader, standby } = both;
  await untilReady(leader);
  await leader.call('commit');
  const items = pair.source.client.db('shop').collection('items');
  const isOpen = async () =>
    await items.insertOne({ n: -1 }).then(
      () => true,
      () => false,
    );
  await eventually(async () => !(await isOpen()), { what: 'the write block' });
  const [member] = pair.destination.members;
  await member?.kill();
  await eventually(isOpen, { what: 'an open source', deadlineMs: TAKEN_OVER_WITHIN_MS });
  leader.linkspan.kill('SIGKILL');
  await member?.restart();
  await commit(standby, pair);
});

test('an outage of the destination that is longer than the lease does not cost the leader its migration', {
  skip,
}, async () => {
  await using pair = await startPair();
  await fill(pair);
  await using both = await startBoth(urisOf(pair));
  const { leader, standby } = both;
  await untilReady(leader);
  const [member] = pair.destination.members;
  await member?.kill();
  const waitedMs = async () => {
    const { waiting } = (await leader.progress()).linkspan;
    return Math.max(0, ...waiting.map(({ since }: { since: string }) => Date.now() - Date.parse(since)));
  };
  await eventually(async () => (await waitedMs()) > 22_000, { what: 'an outage of 22 s', deadlineMs: 60_000 });
  leader.linkspan.kill('SIGSTOP');
  await member?.restart();
  const back = Date.now();
  await eventually(async () => /wrote (2[2-9]|[3-9]\d) s ago/.test((await standby.progress()).info), {
    what: 'a look of the standby',
    pollMs: 50,
  });
  leader.linkspan.kill('SIGCONT');
  await eventually(async () => Date.parse((await standby.progress()).linkspan?.standby?.lastSeen) > back, {
    what: 'a write of the leader',
  });
  assert.doesNotMatch(standby.linkspan.stderr, /standby\.takes_over/);
  await commit(leader, pair);
});

test('a standby follows back when the leader is killed after the commit, and fails back', { skip }, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await fill(pair);
  const { source, destination } = await reversibleUsers(pair);
  await using both = await startBoth({ source: source.uri, destination: destination.uri }, ['--reversible']);
  const { leader, standby } = both;
  await commit(leader, pair);
  const isFollowed = async ({ progress }: SyncProcess) => (await progress()).linkspan?.failback?.ready === true;
  await eventually(() => isFollowed(leader), { what: 'the failback to be ready' });
  leader.linkspan.kill('SIGKILL');
  await pair.destination.client.db('shop').collection('items').insertOne({ after: 'the loss of the leader' });
  await eventually(() => isFollowed(standby), { what: 'the take-over', deadlineMs: TAKEN_OVER_WITHIN_MS });
  assert.equal((await standby.call('reverse')).success, true);
  await commit(standby, pair);
  assert.equal(await pair.source.client.db('shop').collection('items').countDocuments(), 3_001);
});

// id: cut-off-leader-of-sync
test('a standby that reads both clusters takes over from a leader that has lost the source', { skip }, async () => {
  await using pair = await startPair();
  await fill(pair);
  await using both = await startBoth(urisOf(pair));
  const { leader, standby } = both;
  await untilReady(leader);
  const records = pair.destination.client.db('linkspan_internal').collection('migrations');
  // A leader that waits for the source writes this. The leader here reaches it, and soon writes the opposite.
  const isTaken = async () => {
    await records.updateOne({ cutOffTakenAt: { $exists: false } }, { $set: { cutOff: true } });
    return (await records.findOne())?.cutOffTakenAt !== undefined;
  };
  await eventually(isTaken, { what: 'the take-over', deadlineMs: TAKEN_OVER_WITHIN_MS });
  await eventually(async () => (await leader.progress()).linkspan?.standby !== undefined, {
    what: 'the former leader to stand by',
    deadlineMs: TAKEN_OVER_WITHIN_MS,
  });
  await commit(standby, pair);
});

test('a process with --standby that starts after the leader was killed finishes its cutover', { skip }, async () => {
  await using pair = await startPair();
  await fill(pair);
  const uris = urisOf(pair);
  {
    await using leader = await startSync(uris, [], { hook: 'engine.cutover.committed=kill' });
    await untilReady(leader);
    await leader.call('commit').catch(() => undefined);
    assert.equal((await leader.linkspan.exit).signal, 'SIGKILL');
  }
  await using restarted = await openSync(uris, ['--standby']);
  await eventually(async () => (await restarted.progress()).state === 'COMMITTED', {
    what: 'the end of the cutover',
    deadlineMs: TAKEN_OVER_WITHIN_MS,
  });
  await expectIdentical(pair);
});
