import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hookEvent } from '../../src/hooks/index.ts';
import { reversibleUsers } from '../engine/running-reversible.ts';
import { hooksFolder } from '../hooks/hooks-folder.ts';
import { eventually } from '../support/eventually.ts';
import { HookReceiver } from '../support/hook-receiver.ts';
import { startPair } from '../support/replica-set.ts';
import { numbered } from '../support/seeds.ts';
import { needsSource } from '../support/source-version.ts';
import { type SyncProcess, startSync } from '../support/sync-process.ts';

const isReady = async (sync: SyncProcess) => (await sync.progress()).canCommit === true;
const isCommitted = async (sync: SyncProcess) => (await sync.progress()).state === 'COMMITTED';

test('a hook that hangs delays neither the cutover nor, for long, the end; the next process delivers its events in order', async () => {
  using folder = hooksFolder();
  await using receiver = await HookReceiver.start();
  receiver.answer = () => undefined;
  const file = folder.write({ hooks: [{ name: 'pager', url: receiver.url, secretFile: 'hook.secret' }] });
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('orders').insertMany(numbered(100, {}));
  const uris = { source: pair.source.uri, destination: pair.destination.uri };
  {
    await using sync = await startSync(uris, ['--hooks-file', file]);
    await eventually(() => isReady(sync), { what: 'readiness' });
    await eventually(() => receiver.requests.length > 0, { what: 'the first attempt' });
    assert.equal((await sync.call('commit')).success, true);
    await eventually(() => isCommitted(sync), { what: 'the commit' });
    const stoppedAt = Date.now();
    sync.linkspan.kill('SIGTERM');
    assert.equal((await sync.linkspan.exit).code, 0, sync.linkspan.stderr);
    assert.ok(Date.now() - stoppedAt < 15_000);
  }
  const [first] = receiver.requests;
  receiver.requests.length = 0;
  receiver.answer = (_request, _incoming, response) => void response.writeHead(200).end();
  await using next = await startSync(uris, ['--hooks-file', file]);
  await eventually(() => receiver.requests.length >= 2, { what: 'both events' });
  await eventually(() => isCommitted(next), { what: 'the same migration' });
  assert.deepEqual(
    receiver.events.map(({ type }) => type),
    ['migration.ready', 'migration.cut_over'],
  );
  assert.equal(receiver.requests[0]?.headers['webhook-id'], first?.headers['webhook-id']);
  for (const event of receiver.events) assert.deepEqual(hookEvent.parse(event), event);
});

test('a migration that fails tells its hooks why, and /progress says which hook fails', async () => {
  using folder = hooksFolder();
  await using receiver = await HookReceiver.start();
  const file = folder.write({
    hooks: [
      { name: 'pager', url: receiver.url, secretFile: 'hook.secret' },
      { name: 'ticket', command: ['/bin/false'] },
    ],
  });
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('orders').insertMany(numbered(100, {}));
  const uris = { source: pair.source.uri, destination: pair.destination.uri };
  await using sync = await startSync(uris, ['--hooks-file', file]);
  const warnings = async () => ((await sync.progress()).warnings ?? []) as string[];
  await eventually(async () => (await warnings()).includes('Hook ticket fails: it ended with status 1.'), {
    what: 'the warning',
  });
  await using other = await startSync(uris, ['--take-over']);
  assert.equal((await sync.linkspan.exit).code, 1, sync.linkspan.stderr);
  assert.ok(other);
  const failed = receiver.events.at(-1);
  assert.deepEqual([failed.type, receiver.events.length], ['migration.failed', 2]);
  assert.match(failed.data.message, /has been taken over|taken over/);
});

test('a failback that is ready is announced once for each cutover, whatever kills the process in between', {
  skip: needsSource('6.0', 'it has no write block'),
}, async () => {
  using folder = hooksFolder();
  await using receiver = await HookReceiver.start();
  const file = folder.write({ hooks: [{ name: 'pager', url: receiver.url, secretFile: 'hook.secret' }] });
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await pair.source.client.db('shop').collection('orders').insertMany(numbered(100, {}));
  const { source, destination } = await reversibleUsers(pair);
  const uris = { source: source.uri, destination: destination.uri };
  const run = () => startSync(uris, ['--reversible', '--hooks-file', file]);
  const kill = async (sync: SyncProcess) => {
    sync.linkspan.kill('SIGKILL');
    await sync.linkspan.exit;
  };
  const isReadyToReturn = async (sync: SyncProcess) => (await sync.progress()).linkspan.failback?.ready === true;
  const told = () =>
    receiver.distinctEvents.map(({ type, data }) => [type, data.activeSide].filter(Boolean).join(' on the '));
  const expected = ['migration.ready', 'migration.cut_over', 'migration.reverse_ready on the DESTINATION'];
  {
    await using sync = await run();
    await eventually(() => isReady(sync), { what: 'readiness' });
    await eventually(() => receiver.requests.length === 1, { what: 'the first event' });
    await sync.call('commit');
    await eventually(() => told().length === 3, { what: 'the failback to be announced' });
    assert.deepEqual(told(), expected);
    await kill(sync);
  }
  {
    await using sync = await run();
    await eventually(() => isReadyToReturn(sync), { what: 'the failback to be ready again' });
    assert.equal((await sync.call('reverse')).success, true);
    await eventually(() => isReady(sync), { what: 'readiness to return' });
    await kill(sync);
  }
  await using sync = await run();
  await eventually(() => isReady(sync), { what: 'readiness to return again' });
  assert.equal((await sync.call('commit')).success, true);
  expected.push('migration.cut_over', 'migration.reverse_ready on the DESTINATION');
  await eventually(() => told().length >= expected.length, { what: 'the second failback' });
  assert.equal((await sync.call('finish')).success, true);
  sync.linkspan.kill('SIGTERM');
  await sync.linkspan.exit;
  assert.deepEqual(told(), expected);
  const [first, second] = receiver.distinctEvents.filter(({ type }) => type === 'migration.reverse_ready');
  assert.deepEqual([second.data.source, second.data.destination], [first.data.destination, first.data.source]);
  for (const event of receiver.events) assert.deepEqual(hookEvent.parse(event), event);
});
