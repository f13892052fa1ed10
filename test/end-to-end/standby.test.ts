import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reversibleUsers } from '../engine/running-reversible.ts';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { startLedgerWriter } from '../support/ledger-writer.ts';
import { expectHookReached, type LinkspanProcess, untilStopped } from '../support/linkspan-process.ts';
import { childrenOf, statusOf } from '../support/process-status.ts';
import { type ReplicaSetPair, startPair } from '../support/replica-set.ts';
import { needsSource } from '../support/source-version.ts';
import { PushSetup } from './push-setup.ts';

checkForLeaks({ sockets: false });

const skip = needsSource('6.0', 'it has no write block');

/** The part of a migration's record that tells its engines. */
interface EngineRecord {
  readonly term: number;
  readonly writer: string;
}

const engineOf = async (pair: ReplicaSetPair) =>
  await pair.destination.client.db('linkspan_internal').collection<EngineRecord>('migrations').findOne();

const startServers = () => startPair({ source: { auth: true }, destination: { auth: true } });

async function fill({ source }: ReplicaSetPair): Promise<void> {
  for (const name of ['a', 'b']) {
    const collection = source.client.db('shop').collection(name);
    // Two batches of a copy, so that there is a third one to kill the agent at.
    await collection.insertMany(Array.from({ length: 500 }, (_, n) => ({ n, name, text: 'x'.repeat(16_000) })));
    await collection.createIndex({ n: 1, _id: 1 }, { unique: true });
  }
}

/**
 * Starts a control plane, a migration that the agent on `mover` leads, and the agent on `spare`, which stands by. Disposing ends all.
 * @param hook  where the leader kills or stops itself
 */
async function startBoth(pair: ReplicaSetPair, { hook, sourceUri = pair.source.uri, more = {} }: BothOptions = {}) {
  await using stack = new AsyncDisposableStack();
  const setup = stack.use(await PushSetup.create(pair, sourceUri));
  setup.addHost('spare', sourceUri);
  await setup.serve();
  await setup.register(pair, 2);
  const leader = setup.agent(hook);
  const standby = setup.agent(undefined, 'spare');
  const hosts = async () => (await setup.availableProjects())[0]?.migrationHosts ?? [];
  await eventually(async () => (await hosts()).length === 2, { what: 'both agents to be linked' });
  await setup.start(more);
  const kept = stack.move();
  return {
    setup,
    leader,
    standby,
    /** Waits until the other host leads the migration, and runs it. */
    untilTakenOver: async () => {
      const isLed = async () => {
        const { migrationHosts, linkspan } = await setup.show();
        return migrationHosts[0] === 'spare' && linkspan.agent?.status === 'CONNECTED';
      };
      await eventually(isLed, { what: 'the take-over', pollMs: 250 });
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

interface BothOptions {
  readonly hook?: string;
  readonly sourceUri?: string;
  readonly more?: object;
}

const untilReady = (setup: PushSetup) => setup.until('ready for cutover', ({ readyForCutover }) => readyForCutover);

/** Cuts the migration over, and asserts that both sides are equal. */
async function cutOver(setup: PushSetup, pair: ReplicaSetPair): Promise<void> {
  await untilReady(setup);
  await setup.cutOver();
  await setup.until('complete', ({ status }) => status === 'COMPLETE');
  await expectIdentical(pair);
}

async function untilStandingBy(setup: PushSetup, host: string): Promise<void> {
  const isReady = async () => {
    const standbys: { host: string; status: string }[] = (await setup.show()).linkspan.standbyHosts ?? [];
    return standbys.some((standby) => standby.host === host && standby.status === 'READY');
  };
  await eventually(isReady, { what: `${host} to stand by`, pollMs: 250 });
}

const ledgerOf = ({ source }: ReplicaSetPair) =>
  startLedgerWriter({ clients: [source.client], namespaces: ['shop.a', 'shop.b'], seed: 4, ratePerSecond: 40 });

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
