import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hooksFolder } from '../hooks/hooks-folder.ts';
import { eventually } from '../support/eventually.ts';
import { HookReceiver } from '../support/hook-receiver.ts';
import { type ReplicaSetPair, startPair } from '../support/replica-set.ts';
import { needsSource } from '../support/source-version.ts';
import { type SyncProcess, startSync } from '../support/sync-process.ts';

const skip = needsSource('6.0', 'it has no write block');
const ALARM = /^After the commit, the source received (\d+) changes? in (.*)\. They exist only on the source/;

async function committed(pair: ReplicaSetPair, flags: readonly string[]): Promise<SyncProcess> {
  const uris = { source: pair.source.uri, destination: pair.destination.uri };
  const sync = await startSync(uris, flags);
  const state = async () => await sync.progress();
  await eventually(async () => (await state()).state === 'COMMITTED' || (await state()).canCommit, {
    what: 'readiness',
    pollMs: 100,
  });
  if ((await state()).state !== 'COMMITTED') assert.equal((await sync.call('commit')).success, true);
  await eventually(async () => (await state()).state === 'COMMITTED', { what: 'the commit' });
  return sync;
}

async function alarmOf(sync: SyncProcess): Promise<string[]> {
  return ((await sync.progress()).warnings ?? []).flatMap((one: string) => ALARM.exec(one)?.slice(1) ?? []);
}

const shownWatch = async (sync: SyncProcess) => (await sync.progress()).linkspan.sourceWatch;
/** Begins a moment after the commit. */
const watchOf = (sync: SyncProcess) => eventually(() => shownWatch(sync), { what: 'the watch of the source' });

test('a write to the blocked source long after the commit is an alarm, also of the next process, which resumes the watch', {
  skip,
}, async () => {
  using folder = hooksFolder();
  await using receiver = await HookReceiver.start();
  const file = folder.write({
    hooks: [{ name: 'pager', url: receiver.url, secretFile: 'hook.secret', events: ['migration.source_written'] }],
  });
  await using pair = await startPair({ source: { auth: true } });
  const items = pair.source.client.db('shop').collection('items');
  await items.insertOne({ n: 1 });
  {
    await using sync = await committed(pair, ['--hooks-file', file]);
    const watch = await watchOf(sync);
    assert.deepEqual([watch.changes, watch.ended], [0, undefined]);
    await items.insertMany([{ after: 1 }, { after: 2 }]);
    await eventually(async () => (await alarmOf(sync)).join() === '2,shop.items', { what: 'the alarm' });
    await eventually(() => receiver.requests.length > 0, { what: 'the event' });
    assert.equal((await sync.progress()).linkspan.problems[0]?.code, 'SOURCE_WRITTEN_AFTER_COMMIT');
    sync.linkspan.kill('SIGTERM');
    assert.equal((await sync.linkspan.exit).code, 3, sync.linkspan.stderr);
    assert.match(sync.linkspan.stderr, /After the commit, the source received 2 changes in shop\.items\./);
    const { config } = await pair.source.client.db('admin').command({ replSetGetConfig: 1 });
    const migrations = pair.destination.client.db('linkspan_internal').collection('migrations');
    assert.equal((await migrations.findOne())?.cutover.watch.sourceId, config.settings.replicaSetId.toHexString());
  }
  await items.insertOne({ after: 'the end of the process' });
  await using next = await committed(pair, ['--hooks-file', file]);
  await eventually(async () => (await alarmOf(next)).join() === '3,shop.items', {
    what: 'what was written while no one watched',
  });
  assert.deepEqual(
    receiver.events.map(({ data }) => [data.changes, data.namespaces]),
    [[2, 'shop.items']],
  );
});

test('the watch is over after its time, and says that nothing was missed', { skip }, async () => {
  await using pair = await startPair({ source: { auth: true } });
  const items = pair.source.client.db('shop').collection('items');
  await items.insertOne({ n: 1 });
  await using sync = await committed(pair, ['--watch-source-minutes', '0.1']);
  await items.insertOne({ after: 1 });
  await eventually(async () => (await watchOf(sync)).ended !== undefined, {
    what: 'the end of the watch',
    pollMs: 250,
  });
  const { ended, until, watchedTo, changes } = await watchOf(sync);
  assert.deepEqual([ended, changes], ['over', 1]);
  assert.ok(Date.parse(watchedTo) >= Date.parse(until) - 1000, `${watchedTo} is before ${until}`);
  await items.insertOne({ after: 'the watch' });
  assert.deepEqual(await alarmOf(sync), ['1', 'shop.items']);
});

test('a source that is switched off ends the watch when its time is over, with the time up to which it was watched', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true } });
  await pair.source.client.db('shop').collection('items').insertOne({ n: 1 });
  await using sync = await committed(pair, ['--watch-source-minutes', '0.1']);
  await (await pair.source.primary()).kill();
  assert.equal((await sync.progress()).state, 'COMMITTED');
  await eventually(async () => (await watchOf(sync)).ended !== undefined, {
    what: 'the end of the watch',
    pollMs: 250,
  });
  const { ended, watchedTo } = await watchOf(sync);
  assert.equal(ended, `the source could not be read after ${watchedTo}`);
  sync.linkspan.kill('SIGTERM');
  assert.equal((await sync.linkspan.exit).code, 0);
});

test('without a watch there is none, and SIGTERM ends one that continues', { skip }, async () => {
  await using pair = await startPair({ source: { auth: true } });
  await pair.source.client.db('shop').collection('items').insertOne({ n: 1 });
  {
    await using sync = await committed(pair, ['--watch-source-minutes', '0']);
    assert.equal(await shownWatch(sync), undefined);
  }
  await using sync = await committed(pair, []);
  const stoppedAt = Date.now();
  sync.linkspan.kill('SIGTERM');
  assert.equal((await sync.linkspan.exit).code, 0);
  assert.ok(Date.now() - stoppedAt < 20_000);
});
