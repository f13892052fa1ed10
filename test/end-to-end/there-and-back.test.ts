import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SideWriter } from '../engine/cutover/side-writer.ts';
import { reversibleUsers } from '../engine/running-reversible.ts';
import { hooksFolder } from '../hooks/hooks-folder.ts';
import { compareClusters } from '../support/compare-clusters.ts';
import { eventually } from '../support/eventually.ts';
import { HookReceiver } from '../support/hook-receiver.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { leastPrivilegeUsers } from '../support/least-privilege.ts';
import { expectHookReached, type LinkspanProcess } from '../support/linkspan-process.ts';
import { startPair } from '../support/replica-set.ts';
import { numbered } from '../support/seeds.ts';
import { needsSource } from '../support/source-version.ts';
import { type MigrationStatus, PushSetup } from './push-setup.ts';

checkForLeaks({ sockets: false });

const skip = needsSource('6.0', 'it has no write block');

/** Points where each life of the agent ends: while it begins the failback, and past the point of no return of the return. */
const AGENT_KILLS = ['engine.reverse.collections-recorded', 'engine.cutover.committed'];
/** Points where each life of the control plane ends: it has stored a request, and has not answered it. */
const SERVER_KILLS = ['control.reverse.committed', 'control.finish.committed'];
/** A killed process leaves each state for longer than that. */
const BETWEEN_WRITES_MS = 100;

const isFollowed = ({ status, linkspan }: MigrationStatus) =>
  status === 'COMPLETE' && linkspan.failback?.state === 'FOLLOWING' && linkspan.failback.ready;

test('users go there and back, and the failback is closed, although agent and control plane are killed', {
  skip,
}, async () => {
  using folder = hooksFolder();
  await using receiver = await HookReceiver.start();
  const pager = { name: 'pager', url: receiver.url, secretFile: 'hook.secret', events: ['migration.reverse_ready'] };
  const flags = ['--hooks-file', folder.write({ hooks: [pager] })];
  /** The side with the users in each event. */
  const announced = () => receiver.distinctEvents.map(({ data }) => data.activeSide);
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await pair.source.client.db('shop').collection('orders').insertMany(numbered(500));
  const { source } = await reversibleUsers(pair);
  await using setup = await PushSetup.create(pair, source.uri);
  const ended = new AbortController();
  const lives: Promise<void>[] = [];
  const live = async (
    hooks: readonly string[],
    first: LinkspanProcess,
    again: (hook?: string) => Promise<LinkspanProcess>,
  ) => {
    let current = first;
    for (const next of [...hooks.slice(1), undefined]) {
      await Promise.race([
        expectHookReached(current),
        new Promise((end) => ended.signal.addEventListener('abort', end)),
      ]);
      if (ended.signal.aborted) return;
      current = await again(next === undefined ? undefined : `${next}=kill`);
    }
  };
  const begin = (
    hooks: readonly string[],
    first: LinkspanProcess,
    again: (hook?: string) => Promise<LinkspanProcess>,
  ) => {
    const life = live(hooks, first, again);
    life.catch(() => undefined); // The end of the test awaits it.
    lives.push(life);
  };
  begin(SERVER_KILLS, await setup.serve(`${SERVER_KILLS[0]}=kill`, flags), (hook) => setup.serve(hook, flags));
  await setup.register(pair);
  begin(AGENT_KILLS, setup.agent(`${AGENT_KILLS[0]}=kill`), async (hook) => setup.agent(hook));
  await setup.start({ linkspan: { reversible: true } });

  await setup.until('ready for cutover', ({ readyForCutover }) => readyForCutover);
  await using onSource = await SideWriter.start(pair.source, 'source', BETWEEN_WRITES_MS);
  await using onDestination = await SideWriter.start(pair.destination, 'destination', BETWEEN_WRITES_MS);
  await setup.request('cutover');
  await setup.until('followed back', isFollowed);
  await eventually(() => onDestination.acknowledged > 20, { what: 'users to write to the destination' });
  assert.equal(await onSource.canWrite(), false);
  await eventually(() => announced().length > 0, { what: 'the failback to be announced' });

  await setup.request('reverse');
  await setup.until('ready to return', ({ status, readyForCutover }) => status === 'WORKING' && readyForCutover);
  await setup.request('cutover');
  await setup.until('back', (now) => isFollowed(now) && now.linkspan.reversals === 1);
  const before = onSource.acknowledged;
  await eventually(() => onSource.acknowledged > before + 20, { what: 'users to write to the old source' });
  assert.equal(await onDestination.canWrite(), false);
  for (const writer of [onSource, onDestination]) await writer.stop();
  await SideWriter.assertTurns([onSource, onDestination], 2);
  const differences = async () => (await compareClusters(pair.source.client, pair.destination.client)).differences;
  await eventually(async () => (await differences()).length === 0, { what: 'both sides to be identical', pollMs: 250 });

  await eventually(() => announced().length > 1, { what: 'the second failback to be announced' });

  await setup.request('finish');
  let last: MigrationStatus | undefined;
  await setup.until('finished', (now) => {
    last = now;
    return now.linkspan.failback?.state === 'CLOSED';
  });
  assert.equal(last?.status, 'COMPLETE');
  assert.equal(last?.linkspan.activeSide, 'SOURCE');
  assert.match(last?.linkspan.failback?.warnings.join() ?? '', /^The destination stays blocked for its users/);
  assert.notEqual(last?.linkspan.endedAt, null);
  assert.equal(await onSource.canWrite(), true);
  assert.equal(await onDestination.canWrite(), false);
  assert.deepEqual(announced(), ['DESTINATION', 'SOURCE']);
  ended.abort();
  await Promise.all(lives);
});

test('a finish ends a migration whose old source is lost, also after a restart of the agent', { skip }, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await pair.source.client.db('shop').collection('orders').insertMany(numbered(5));
  const { source } = await reversibleUsers(pair);
  await using setup = await PushSetup.create(pair, source.uri);
  await setup.serve();
  await setup.register(pair);
  const agent = setup.agent();
  await setup.start({ linkspan: { reversible: true } });
  await setup.until('ready for cutover', ({ readyForCutover }) => readyForCutover);
  await setup.request('cutover');
  await setup.until('followed back', isFollowed);
  await setup.request('reverse');
  await setup.until('ready to return', ({ status, readyForCutover }) => status === 'WORKING' && readyForCutover);

  await pair.source.members[0]?.kill();
  agent.kill('SIGKILL');
  await agent.exit;
  setup.agent();
  await setup.request('finish');
  await setup.until('finished', ({ linkspan }) => linkspan.failback?.state === 'CLOSED');
  const { status, linkspan } = await setup.show();
  assert.deepEqual([status, linkspan.activeSide], ['COMPLETE', 'DESTINATION']);
  await using onDestination = await SideWriter.start(pair.destination, 'destination');
  assert.equal(await onDestination.canWrite(), true);
});

test('a migration whose users could not take it back is refused by name before the first byte', { skip }, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await pair.source.client.db('shop').collection('orders').insertMany(numbered(5));
  const { source } = await leastPrivilegeUsers(pair);
  await using setup = await PushSetup.create(pair, source.uri);
  await setup.serve();
  await setup.register(pair);
  setup.agent();
  await setup.start({ linkspan: { reversible: true } });
  await assert.rejects(
    setup.until('refused', () => false),
    /the migration failed: .*admin\.reader.*lacks.*insert.*all databases/s,
  );
  assert.deepEqual(await pair.destination.client.db('shop').listCollections().toArray(), []);
});
