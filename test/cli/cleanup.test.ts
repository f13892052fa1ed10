import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunningMigration } from '../engine/running-migration.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { startPair } from '../support/replica-set.ts';

checkForLeaks({ sockets: false });

async function cleanup(flags: readonly string[], uri?: string) {
  const env: Record<string, string> = uri === undefined ? {} : { LINKSPAN_DESTINATION: uri };
  await using linkspan = runLinkspan(['cleanup', ...flags], { env });
  const { code } = await linkspan.exit;
  return { code, stdout: linkspan.stdout, stderr: linkspan.stderr };
}

test('a failed migration reports its leftovers; cleanup shows them, and removes them after a dry run', async () => {
  await using pair = await startPair();
  const { source, destination } = pair;
  const orders = source.client.db('shop').collection('orders');
  await orders.insertOne({ number: 1 });
  await orders.createIndex({ number: 1 }, { unique: true });
  await source.client.db('shop').createCollection('empty');
  await destination.failCommand({
    mode: 'alwaysOn',
    data: { failCommands: ['insert'], errorCode: 121, namespace: 'shop.orders' },
  });
  await using failed = runLinkspan(['sync', '--cluster0', source.uri, '--cluster1', destination.uri, '--once']);
  assert.equal((await failed.exit).code, 1);
  await destination.clearFailPoints();
  const [, id = ''] =
    /: 2 collections, 0 views, 0 indexes that are not as on the source, .*linkspan cleanup --migration ([0-9a-f]{24})/.exec(
      failed.stderr,
    ) ?? [];
  assert.notEqual(id, '', failed.stderr);

  const shown = await cleanup(['--output', 'json'], destination.uri);
  const [first = ''] = shown.stdout.split('\n');
  const left = JSON.parse(first);
  assert.deepEqual([left.migrationId, left.state, left.blocked], [id, 'FAILED', false]);
  assert.deepEqual(left.collections.sort(), ['shop.empty', 'shop.orders']);
  assert.equal(left.sourceBlocked, false);
  const records = destination.client.db('linkspan_internal').collection<{ _id: string }>('migrations');
  const cutOver = (cutover: object) => records.updateOne({ _id: id }, { $set: { cutover } });
  for (const [cutover, mayBeBlocked] of [
    [{ blocking: true }, true],
    [{ blocking: true, committed: true }, false],
    [{ blocking: false }, false],
  ] as const) {
    await cutOver(cutover);
    const { stdout } = await cleanup([], destination.uri);
    assert.equal(/source may still refuse.*setUserWriteBlockMode: 1, global: false/.test(stdout), mayBeBlocked, stdout);
  }
  const tried = await cleanup(['--migration', id, '--drop', '--dry-run'], destination.uri);
  assert.match(tried.stdout, /collection shop\.orders: would be dropped/);
  assert.equal((await destination.client.db('shop').listCollections().toArray()).length, 2);

  assert.equal((await cleanup(['--migration', id, '--drop'], destination.uri)).code, 0);
  assert.deepEqual(await destination.client.db('shop').listCollections().toArray(), []);
  const again = await cleanup(['--migration', id], destination.uri);
  assert.equal(again.code, 2);
  assert.match(again.stderr, /\[NO_SUCH_MIGRATION\]/);
  assert.match((await cleanup([], destination.uri)).stderr, /no migration left anything/);
});

test('cleanup names the migration that has taken the destination, and drops nothing', async () => {
  await using pair = await startPair();
  const { source, destination } = pair;
  await source.client.db('shop').collection('orders').insertOne({ number: 1 });
  await using first = RunningMigration.start(pair);
  await first.untilReady();
  await first.stop();
  await using second = RunningMigration.start(pair, { dropDestination: true });
  await second.commit();
  const [id, owner] = [first, second].map(({ progress }) => progress.migrationId);
  assert.match((await cleanup([], destination.uri)).stdout, new RegExp(`^migration ${id}: following changes$`, 'm'));
  const tried = await cleanup(['--migration', `${id}`, '--dry-run', '--output', 'json'], destination.uri);
  const [shown = ''] = tried.stdout.split('\n');
  assert.deepEqual([JSON.parse(shown).retiredBy, JSON.parse(shown).collections], [owner, []]);
  const done = await cleanup(['--migration', `${id}`, '--drop'], destination.uri);
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, new RegExp(`${owner} has taken the destination: nothing is dropped or opened`));
  assert.equal(await destination.client.db('shop').collection('orders').countDocuments(), 1);
});

test('a dry run refuses what the real run refuses, and changes nothing', async () => {
  await using pair = await startPair();
  const { source, destination } = pair;
  await source.client.db('shop').collection('orders').insertOne({ number: 1 });
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  const id = running.progress.migrationId;
  const both = async (...flags: string[]) => {
    const tried = await cleanup(['--migration', id, ...flags, '--dry-run', '--output', 'json'], destination.uri);
    const real = await cleanup(['--migration', id, ...flags, '--output', 'json'], destination.uri);
    const results = [tried, real].map(({ code, stdout }) => ({ code, ...JSON.parse(stdout) }));
    assert.deepEqual(results[0], results[1]);
    return results[0];
  };
  const atWork = await both('--drop');
  assert.deepEqual([atWork.code, atWork.type, atWork.outcome], [2, 'result', 'REFUSED']);
  assert.equal(atWork.error.code, 'MIGRATION_RUNS');
  await running.commit();
  const committed = await both('--drop');
  assert.deepEqual([committed.code, committed.error.code], [2, 'COMMITTED_DATA']);
  assert.match(committed.error.remedy, /Omit --drop/);

  const tried = await cleanup(['--migration', id, '--dry-run', '--output', 'json'], destination.uri);
  const [left, result] = tried.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual([left.type, left.collections], ['leftovers', ['shop.orders']]);
  assert.deepEqual(result, { type: 'result', outcome: 'DONE', error: null });
  assert.match(tried.stderr, /would be forgotten/);
  const records = destination.client.db('linkspan_internal').collection<{ _id: string }>('migrations');
  assert.equal(await records.countDocuments({ _id: id }), 1);
  assert.equal(await destination.client.db('shop').collection('orders').countDocuments(), 1);
});

test('cleanup without a destination, or with --drop and without a migration, is refused', async () => {
  for (const flags of [[], ['--drop', '--destination', 'mongodb://a']]) {
    const { code, stderr } = await cleanup(flags);
    assert.equal(code, 2);
    assert.match(stderr, /\[USAGE\]/);
  }
});
