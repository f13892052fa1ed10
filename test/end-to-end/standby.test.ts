import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reversibleUsers } from '../engine/running-reversible.ts';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { expectHookReached, type LinkspanProcess, untilStopped } from '../support/linkspan-process.ts';
import { childrenOf, statusOf } from '../support/process-status.ts';
import type { ReplicaSetPair } from '../support/replica-set.ts';
import { needsSource } from '../support/source-version.ts';
import { cutOver, fill, ledgerOf, startBoth, startServers, untilReady, untilStandingBy } from './two-agents.ts';

checkForLeaks({ sockets: false });

const skip = needsSource('6.0', 'it has no write block');

/** The part of a migration's record that tells its engines. */
interface EngineRecord {
  readonly term: number;
  readonly writer: string;
}

const engineOf = async (pair: ReplicaSetPair) =>
  await pair.destination.client.db('linkspan_internal').collection<EngineRecord>('migrations').findOne();

test('a standby resumes the copy of a host that is lost in the initial sync', { skip }, async () => {
  await using pair = await startServers();
  await fill(pair);
  await using writer = await ledgerOf(pair);
  await using both = await startBoth(pair, { hook: 'engine.copy.batch-acknowledged@3=kill' });
  const { setup, leader, standby } = both;
  await expectHookReached(leader);
  await both.untilTakenOver();
  await untilReady(setup);
  const { linkspan } = await setup.show();
  assert.equal(linkspan.takenOver.fromHost, 'mover');
  assert.equal(linkspan.progress.resumedFrom.state, 'COPYING', 'it resumes, and begins nothing anew');
  assert.doesNotMatch(standby.stderr, /WRITER_CHANGED/);
  await writer.stop();
  await cutOver(setup, pair);
});

// id: former-leader-stands-by
test('a leader that hangs loses the migration, writes nothing when it wakes up, and stands by', { skip }, async () => {
  await using pair = await startServers();
  await fill(pair);
  await using writer = await ledgerOf(pair);
  await using both = await startBoth(pair);
  const { setup, leader, standby } = both;
  await untilReady(setup);
  await untilStandingBy(setup, 'spare');
  leader.kill('SIGSTOP');
  await both.untilTakenOver();
  await untilReady(setup);
  const taken = await engineOf(pair);
  const before = writer.snapshot().documentsWritten;
  leader.kill('SIGCONT');
  await untilStandingBy(setup, 'mover');
  await eventually(() => writer.snapshot().documentsWritten > before + 100, { what: 'writes after the return' });
  const kept = await engineOf(pair);
  assert.deepEqual([kept?.term, kept?.writer], [taken?.term, taken?.writer], 'no engine has taken it since');
  await writer.stop();
  await cutOver(setup, pair);
  for (const agent of [leader, standby]) agent.kill('SIGTERM');
  assert.equal((await standby.exit).code, 0, standby.stderr);
});

// id: lost-host-in-cutover
test('a standby opens the source and cuts over again when a host is lost in the write pause, with its watchdog', {
  skip,
}, async () => {
  await using pair = await startServers();
  await fill(pair);
  await using both = await startBoth(pair, { hook: 'engine.cutover.source-blocked=stop' });
  const { setup, leader } = both;
  await untilReady(setup);
  await untilStandingBy(setup, 'spare');
  await setup.cutOver();
  await untilStopped(leader);
  await loseHost(leader);
  await setup.until('complete', ({ status }) => status === 'COMPLETE');
  assert.deepEqual((await setup.show()).migrationHosts, ['spare']);
  await expectIdentical(pair);
});

test('a standby follows back when a host is lost after the commit, and fails back', { skip }, async () => {
  await using pair = await startServers();
  await fill(pair);
  const { source } = await reversibleUsers(pair);
  await using both = await startBoth(pair, { sourceUri: source.uri, more: { linkspan: { reversible: true } } });
  const { setup, leader } = both;
  await untilStandingBy(setup, 'spare');
  await cutOver(setup, pair);
  const untilFollowed = () =>
    setup.until('followed back', ({ linkspan: { failback } }) => failback?.state === 'FOLLOWING' && failback.ready);
  await untilFollowed();
  await loseHost(leader);
  await pair.destination.client.db('shop').collection('a').insertOne({ n: -1, after: 'the loss of the host' });
  await both.untilTakenOver();
  await untilFollowed();
  await setup.request('reverse');
  await setup.until('ready for its return', ({ status, readyForCutover }) => status === 'WORKING' && readyForCutover);
  await setup.request('cutover');
  await setup.until('back on the source', ({ linkspan }) => linkspan.activeSide === 'SOURCE');
  assert.equal(await pair.source.client.db('shop').collection('a').countDocuments(), 501);
});

/** Ends an agent and its watchdog, as the loss of their host does. */
async function loseHost(agent: LinkspanProcess): Promise<void> {
  const watchdogs = childrenOf(agent.pid);
  for (const pid of watchdogs) process.kill(pid, 'SIGKILL');
  agent.kill('SIGKILL');
  await agent.exit;
  await eventually(() => watchdogs.every((pid) => statusOf(pid) === ''), { what: 'the watchdog to end' });
}
