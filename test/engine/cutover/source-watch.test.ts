import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MongoClient } from 'mongodb';
import { dateOf, newWatch, type SourceWatchState } from '../../../src/contract/index.ts';
import { readAccountsDigest } from '../../../src/engine/accounts/accounts-digest.ts';
import { SourceWatch } from '../../../src/engine/cutover/source-watch.ts';
import { silentLogger, systemClock } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSet, startReplicaSet } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';

checkForLeaks();

const HOUR_MS = 3_600_000;
const skip = needsSource('6.0', 'it has no write block');

/** The position of the source's stream at this moment. */
async function positionOf({ client }: ReplicaSet): Promise<string> {
  const stream = client.watch();
  await stream.tryNext();
  const token = stream.resumeToken as { readonly _data: string };
  await stream.close();
  return token._data;
}

/** Watches until the watch ends by itself. @returns the states that it recorded */
async function watch(source: ReplicaSet, state: SourceWatchState): Promise<SourceWatchState[]> {
  const { saved, ended } = begin(source, state);
  await ended;
  return saved;
}

/** Begins a watch in the background. */
function begin({ uri }: ReplicaSet, state: SourceWatchState) {
  const saved: SourceWatchState[] = [];
  const save = async (next: SourceWatchState) => void saved.push(next);
  const options = { migrationId: 'm', source: { uri }, state, save };
  const watch = new SourceWatch({ ...options, logger: silentLogger, clock: systemClock });
  return { saved, watch, ended: watch.run(new AbortController().signal) };
}

/** Removes the disk of a replica set's only member, and initiates the set again under its name. */
async function beginAnew({ members: [member], name }: ReplicaSet): Promise<void> {
  await member?.wipe();
  await using client = new MongoClient(`mongodb://127.0.0.1:${member?.port}/?directConnection=true`);
  const config = { _id: name, members: [{ _id: 0, host: `127.0.0.1:${member?.port}` }] };
  await client.db('admin').command({ replSetInitiate: config });
}

async function replicaSetIdOf({ client }: ReplicaSet): Promise<string> {
  const { config } = await client.db('admin').command({ replSetGetConfig: 1 });
  return config.settings.replicaSetId.toHexString();
}

/** Returns a token of the same form at another time. */
function tokenAt(token: string, seconds: number): string {
  return `82${seconds.toString(16).padStart(8, '0')}${token.slice(10)}`.toUpperCase();
}

test('a watch that resumes after its time still sees everything that was written, however much', { skip }, async () => {
  await using source = await startReplicaSet();
  await source.client.db('shop').collection('items').insertOne({ n: 0 });
  const token = await positionOf(source);
  await source.client.db('shop').collection('items').insertMany(numbered(25_000, {}));
  await source.client.db('shop').collection('orders').insertOne({ n: 0 });
  const last = (await watch(source, newWatch({ token }, dateOf(Date.now() - 1_000)))).at(-1);
  // The insert into orders creates the collection, which is a change as well.
  assert.deepEqual([last?.ended, last?.changes, last?.namespaces], ['over', 25_002, ['shop.items', 'shop.orders']]);
});

// id: watch-counts-accounts
test('a watch counts changes of users and roles, which no stream shows, if they were migrated', { skip }, async () => {
  await using source = await startReplicaSet();
  const token = await positionOf(source);
  const before = await readAccountsDigest(source.client);
  await source.client.db('shop').command({ createRole: 'reads', privileges: [], roles: [] });
  const last = (await watch(source, newWatch({ token, accounts: before }, dateOf(Date.now() - 1_000)))).at(-1);
  assert.deepEqual([last?.ended, last?.changes, last?.namespaces], ['over', 1, ['admin.system.roles']]);
  const whole = (await watch(source, newWatch({ token }, dateOf(Date.now() - 1_000)))).at(-1);
  assert.equal(whole?.changes, 0);
});

test('a watch goes on when its user may no longer read which replica set answers', { skip }, async () => {
  await using source = await startReplicaSet();
  const known = newWatch(
    { token: await positionOf(source), sourceId: await replicaSetIdOf(source) },
    dateOf(Date.now() - 1_000),
  );
  await source.failCommand({ mode: 'alwaysOn', data: { failCommands: ['replSetGetConfig'], errorCode: 13 } });
  const last = (await watch(source, known)).at(-1);
  await source.clearFailPoints();
  assert.equal(last?.ended, 'over');
});

test("a watch ends when another replica set answers under the source's address, and counts none of its writes", {
  skip,
}, async () => {
  await using source = await startReplicaSet();
  const token = await positionOf(source);
  const until = dateOf(Date.now() + HOUR_MS);
  const known = newWatch({ token, sourceId: await replicaSetIdOf(source) }, until);
  // A watch may begin without the id of its set.
  const { sourceId: _, ...unknown } = known;
  const running = begin(source, unknown);
  await eventually(() => running.watch.state.sourceId !== undefined, { what: 'the watch to know its replica set' });
  await beginAnew(source);
  await using client = new MongoClient(`mongodb://127.0.0.1:${source.members[0]?.port}/?directConnection=true`);
  await eventually(() => client.db('shop').collection('items').insertOne({ of: 'the new set' }), {
    what: 'the new set to take writes',
  });
  await running.ended;
  for (const { ended, changes } of [running.watch.state, (await watch(source, known)).at(-1) ?? known]) {
    assert.match(ended ?? '', /^another replica set answers under the address of the source/);
    assert.equal(changes, 0);
  }
});

test('a watch whose position the source refuses ends at once, and names the reason', { skip }, async () => {
  await using source = await startReplicaSet();
  const token = await positionOf(source);
  const seconds = Number.parseInt(token.slice(2, 10), 16);
  const until = dateOf(Date.now() + HOUR_MS);
  for (const refused of [`82${'0'.repeat(16)}2B`, token.slice(0, -6), token.slice(0, -1)]) {
    const last = (await watch(source, newWatch({ token: refused }, until))).at(-1);
    assert.match(last?.ended ?? '', /^the source does not accept the position of the watch: /, refused);
  }
  const later = newWatch({ token: tokenAt(token, seconds + 3_600) }, until);
  assert.match((await watch(source, later)).at(-1)?.ended ?? '', /^the source is older than the position of the watch/);
});

test('a watch whose position is no longer in the oplog ends at once, and says so', { skip }, async () => {
  await using source = await startReplicaSet();
  const token = await positionOf(source);
  await source.failCommand({
    mode: { times: 1 },
    data: { failCommands: ['aggregate'], errorCode: 286, appName: 'linkspan-source' },
  });
  const last = (await watch(source, newWatch({ token }, dateOf(Date.now() + HOUR_MS)))).at(-1);
  assert.match(last?.ended ?? '', /^The oplog of the source no longer has the entry/);
});

test('a watch that has ended is not begun again, and its end stays on record', async () => {
  const ended: SourceWatchState = { ...newWatch({ token: '8200000000' }, dateOf(0)), ended: 'over' };
  const saved: SourceWatchState[] = [];
  const save = async (state: SourceWatchState) => void saved.push(state);
  const options = { migrationId: 'm', source: { uri: 'not an address' }, state: ended, save };
  const watch = new SourceWatch({ ...options, logger: silentLogger, clock: systemClock });
  await watch.run(new AbortController().signal);
  assert.deepEqual(saved, []);
  assert.equal(watch.state, ended);
});
