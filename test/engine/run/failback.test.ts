import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MongoClient } from 'mongodb';
import { cleanUp, listLeftovers } from '../../../src/engine/index.ts';
import { closeFailback } from '../../../src/engine/records/failback.ts';
import { newId, onFailpoint, systemClock } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSet, startPair } from '../../support/replica-set.ts';
import { emptyCluster, numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { SideWriter } from '../cutover/side-writer.ts';
import { RunningReversible, reversibleUsers } from '../running-reversible.ts';

checkForLeaks({ sockets: false });

const skip = needsSource('6.0', 'it has no write block');
const WRITES_BLOCKED = { code: 371 };

test('an old source that is not what the cutover left is never written to', { skip }, async (t) => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const addresses = await reversibleUsers(pair);
  const items = pair.source.client.db('shop').collection('items');

  /** Cuts over, ends the engine, has something happen to the old source, and starts another engine. */
  const reversed = async (happens: () => Promise<unknown>) => {
    for (const { client } of [pair.source, pair.destination]) await emptyCluster(client);
    await items.insertMany(numbered(10));
    const id = newId();
    {
      await using running = new RunningReversible(addresses, id);
      await running.cutOver();
    }
    await happens();
    return new RunningReversible(addresses, id);
  };
  const failure = (running: RunningReversible) =>
    eventually(() => running.migration.failback?.progress().error, { what: 'the failback to fail' });
  const forgetRecords = () => pair.source.client.db('linkspan_internal').dropDatabase();

  await t.test('its collections were dropped and restored from a backup', async () => {
    await using running = await reversed(async () => {
      await forgetRecords();
      await block(pair.source, false);
      await items.drop();
      await items.insertMany(numbered(3));
    });
    assert.equal((await failure(running))?.code, 'FAILBACK_LOST');
    assert.equal(await running.outcome, 'COMMITTED');
    await assert.rejects(running.steering.reverse(), { code: 'FAILBACK_LOST' });
    assert.equal(running.progress.canWrite, true);
    await using restarted = new RunningReversible(addresses, running.migration.current.options.migrationId);
    assert.equal((await failure(restarted))?.code, 'FAILBACK_LOST');
    assert.equal(await restarted.outcome, 'COMMITTED');
    assert.equal(await items.countDocuments(), 3);
  });

  await t.test('its records are gone, and both sides are blocked: it may have the newer documents', async () => {
    await using running = await reversed(async () => {
      await forgetRecords();
      await block(pair.destination, true);
    });
    assert.match((await failure(running))?.message ?? '', /refuses users' writes/);
    await block(pair.destination, false);
  });

  await t.test('its records are gone, and it is as it was: the failback begins again from the cutover', async () => {
    await using running = await reversed(async () => {
      await pair.destination.client.db('shop').collection('items').insertOne({ later: true });
      await forgetRecords();
    });
    await running.untilFollowing();
    await eventually(async () => (await items.countDocuments({ later: true })) === 1, { what: 'the write to arrive' });
  });

  await t.test('another client has lifted its block: it is blocked again before the failback begins', async () => {
    await using running = await reversed(async () => {
      await forgetRecords();
      await block(pair.source, false);
    });
    await running.untilFollowing();
    await using writer = await SideWriter.start(pair.source, 'source');
    assert.equal(await writer.canWrite(), false);
  });
});

describe('an engine that finds no commit on the side that has the users writes nothing there', { skip }, () => {
  const start = async () => {
    await using resources = new AsyncDisposableStack();
    const pair = resources.use(await startPair({ source: { auth: true }, destination: { auth: true } }));
    const addresses = await reversibleUsers(pair);
    await pair.source.client.db('shop').collection('items').insertMany(numbered(10));
    return { pair, addresses, id: newId(), kept: resources.move() };
  };
  const recordsOf = ({ client }: ReplicaSet) =>
    client.db('linkspan_internal').collection<{ _id: string }>('migrations');

  const refuses = async (running: RunningReversible) => {
    const works = () => ['COPYING', 'FOLLOWING'].includes(running.progress.state);
    await assert.rejects(running.until('a run that works', works), { code: 'CUTOVER_RECORD_LOST' });
  };

  test('its records were removed, and it may drop what it finds', async () => {
    const { pair, addresses, id, kept } = await start();
    await using _ = kept;
    const options = { dropDestination: true };
    {
      await using running = new RunningReversible(addresses, id, options);
      await running.cutOver();
    }
    const items = pair.destination.client.db('shop').collection('items');
    await items.insertOne({ ofUsers: true });
    for (const side of [addresses.source, addresses.destination])
      await assert.rejects(cleanUp(side, id, { drop: false }), { code: 'FAILBACK_OPEN' });
    assert.equal((await cleanUp(addresses.destination, id, { drop: false, dryRun: true })).failbackOpen, true);
    assert.equal((await cleanUp(addresses.destination, id, { drop: false, closesFailback: true })).state, 'COMMITTED');
    {
      await using again = new RunningReversible(addresses, id);
      await refuses(again);
    }
    await using again = new RunningReversible(addresses, id, options);
    await refuses(again);
    assert.equal(await items.countDocuments({ ofUsers: true }), 1);
    await using writer = await SideWriter.start(pair.destination, 'destination');
    assert.equal(await writer.canWrite(), true);
  });

  test('it was restored from a backup of before the return', async () => {
    const { pair, addresses, id, kept } = await start();
    await using _ = kept;
    const records = recordsOf(pair.source);
    const backups: { _id: string }[] = [];
    {
      await using running = new RunningReversible(addresses, id);
      await running.cutOver();
      backups.push(...(await records.find().toArray()));
      await running.returnToOldSource();
      await running.untilFollowing();
    }
    for (const backup of backups) await records.replaceOne({ _id: backup._id }, backup);
    const items = pair.source.client.db('shop').collection('items');
    await items.insertOne({ ofUsers: true });
    await using again = new RunningReversible(addresses, id);
    await refuses(again);
    assert.equal(await items.countDocuments({ ofUsers: true }), 1);
  });
});

test('a failback that another engine has taken says so, and only that engine reverses', { skip }, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await pair.source.client.db('shop').collection('items').insertMany(numbered(10));
  const addresses = await reversibleUsers(pair);
  const id = newId();
  await using first = new RunningReversible(addresses, id);
  await first.cutOver();
  await using second = new RunningReversible(addresses, id, { takeOver: true });
  await second.untilFollowing();
  assert.equal(await first.outcome, 'COMMITTED');
  const { state, error, readyForCutover } = first.migration.failbackProgress ?? {};
  assert.deepEqual([state, error?.code, readyForCutover], ['FAILED', 'TAKEN_OVER', false]);
  await assert.rejects(first.steering.reverse(), { code: 'TAKEN_OVER' });
  await second.returnToOldSource();
  assert.equal(second.progress.canWrite, true);
});

test('an engine that sleeps while another one reverses twice leaves the migration to it', { skip }, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await pair.source.client.db('shop').collection('items').insertMany(numbered(10));
  const addresses = await reversibleUsers(pair);
  const id = newId();
  const woken = Promise.withResolvers<void>();
  // It falls asleep once its failback has failed.
  const sleep = (ms: number, signal?: AbortSignal) =>
    first.migration.failbackFailure === undefined ? systemClock.sleep(ms, signal) : woken.promise;
  await using first: RunningReversible = new RunningReversible(addresses, id, { clock: { ...systemClock, sleep } });
  using _ = { [Symbol.dispose]: woken.resolve };
  await first.cutOver();
  await first.untilFollowing();
  const admin = pair.source.client.db('admin');
  const { users } = await admin.command({ usersInfo: 'mover' });
  await admin.command({ updateUser: 'mover', roles: [] });
  await pair.destination.client.db('shop').collection('items').insertOne({ later: true });
  await eventually(() => first.migration.failbackFailure !== undefined, { what: 'the failback to fail' });
  await admin.command({ updateUser: 'mover', roles: users[0].roles });
  await using second = new RunningReversible(addresses, id, { takeOver: true });
  for (const _turn of ['there', 'and back']) await second.returnToOldSource();
  woken.resolve();
  assert.equal(await first.outcome, 'COMMITTED');
  await assert.rejects(first.steering.reverse(), { code: 'TAKEN_OVER' });
  await second.returnToOldSource();
});

test('a failback that has failed begins again when its cause is gone, without a restart', { skip }, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const items = pair.source.client.db('shop').collection('items');
  await items.insertMany(numbered(10));
  const addresses = await reversibleUsers(pair);
  await using running = new RunningReversible(addresses, newId());
  await running.cutOver();
  await running.untilFollowing();
  const admin = pair.source.client.db('admin');
  const { users } = await admin.command({ usersInfo: 'mover' });
  const { roles } = users[0];
  await admin.command({ updateUser: 'mover', roles: [] });
  const there = pair.destination.client.db('shop').collection('items');
  await there.insertOne({ later: true });
  await eventually(() => running.migration.failbackProgress?.state === 'FAILED', { what: 'the failback to fail' });
  await assert.rejects(running.steering.reverse());
  await admin.command({ updateUser: 'mover', roles });
  await eventually(() => running.migration.failbackFailure === undefined, { what: 'the failback to begin again' });
  await running.untilFollowing();
  await eventually(async () => (await items.countDocuments({ later: true })) === 1, { what: 'the write to arrive' });
  await running.returnToOldSource();
  assert.equal(running.progress.canWrite, true);
});

test('a requested failback that has failed begins again, says why, and does what the operator wants meanwhile', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await pair.source.client.db('shop').collection('items').insertMany(numbered(10));
  await using running = new RunningReversible(await reversibleUsers(pair));
  await running.cutOver();
  await running.untilFollowing();
  await running.steering.reverse();
  const admin = pair.source.client.db('admin');
  const { users } = await admin.command({ usersInfo: 'mover' });
  await admin.command({ updateUser: 'mover', roles: [] });
  await pair.destination.client.db('shop').collection('items').insertOne({ later: true });
  await running.until('the failure', () => running.migration.failbackFailure !== undefined);
  const { state, readyForCutover, notReadyReasons, warnings, error } = running.migration.progress();
  assert.deepEqual(
    [state, readyForCutover, notReadyReasons, error],
    ['PREPARING', false, ['it begins again after a failure'], undefined],
  );
  assert.match(warnings.join(' '), /The last attempt has failed: .*not authorized/i);
  running.steering.cutOverOnceReady();
  await admin.command({ updateUser: 'mover', roles: users[0].roles });
  await running.until('the return', () => running.progress.state === 'COMMITTED');
  await running.untilFollowing();
  assert.deepEqual([running.progress.canWrite, running.migration.current.options.reversals], [true, 1]);
  assert.equal(await pair.source.client.db('shop').collection('items').countDocuments({ later: true }), 1);
});

test('an engine that starts again shows the requested direction before it has reached the other side', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await pair.source.client.db('shop').collection('items').insertMany(numbered(10));
  const addresses = await reversibleUsers(pair);
  const id = newId();
  {
    await using running = new RunningReversible(addresses, id);
    await running.cutOver();
    await running.steering.reverse();
  }
  await using running = new RunningReversible(addresses, id);
  const shown = new Set<unknown>();
  const look = () => {
    const { current, failback } = running.migration;
    shown.add(`${current.options.reversals ?? 0} ${current.progress().state} ${failback?.options.reversals}`);
  };
  // The first to take its records is the direction that has cut over, the second the requested one.
  using _ = onFailpoint('engine.fence.raised', look);
  const isFollowing = () => {
    look();
    return running.progress.state === 'FOLLOWING';
  };
  await running.until('the requested direction to follow', isFollowing);
  assert.deepEqual(
    [...shown].filter((one) => /COMMITTED|CREATED/.test(String(one))),
    ['0 CREATED undefined', '1 CREATED undefined'],
  );
  await running.cutOver();
});

test('finish closes the failback permanently, keeps the old source blocked, and a cleanup changes nothing there', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const addresses = await reversibleUsers(pair);
  const items = pair.source.client.db('shop').collection('items');
  await items.insertMany(numbered(10));
  const id = newId();
  {
    await using running = new RunningReversible(addresses, id);
    await running.cutOver();
    await running.steering.finish();
    assert.equal(await running.outcome, 'COMMITTED');
    await assert.rejects(running.steering.reverse(), { code: 'WRONG_STATE' });
  }
  await using writer = await SideWriter.start(pair.source, 'source');
  {
    await using again = new RunningReversible(addresses, id);
    assert.equal(await again.outcome, 'COMMITTED');
    assert.equal(again.migration.failback, undefined);
  }
  const [left] = await listLeftovers(addresses.source, id);
  assert.deepEqual([left?.collections, left?.blocked], [[], false]);
  await assert.rejects(cleanUp(addresses.source, id, { drop: true }), { code: 'COMMITTED_DATA' });
  await cleanUp(addresses.source, id, { drop: false });
  assert.equal(await items.countDocuments(), 10);
  assert.equal(await writer.canWrite(), false);
});

test('finish needs no answer of an old source that is lost', { skip }, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await pair.source.client.db('shop').collection('items').insertMany(numbered(10));
  const addresses = await reversibleUsers(pair);
  const id = newId();
  await using running = new RunningReversible(addresses, id);
  await running.cutOver();
  await pair.source.members[0]?.kill();
  await running.steering.finish();
  assert.equal(await running.outcome, 'COMMITTED');
  const record = await pair.destination.client
    .db('linkspan_internal')
    .collection<{ _id: string; failbackClosedBy?: string[] }>('migrations')
    .findOne({ _id: id });
  assert.equal(record?.failbackClosedBy?.length, 1);
});

test('a failback is closed or cut over to, never both, whatever another engine does meanwhile', { skip }, async (t) => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const items = pair.source.client.db('shop').collection('items');
  await items.insertMany(numbered(10));
  const addresses = await reversibleUsers(pair);
  const id = newId();
  await using running = new RunningReversible(addresses, id);
  await running.cutOver();
  const isBlocked = { code: 'FAILBACK_LOST', message: /refuses users' writes/ };

  await t.test('it cuts over between the first look at the block and the note', async () => {
    await running.steering.reverse();
    await running.until('the failback to be ready', () => running.progress.readyForCutover);
    const announced = Promise.withResolvers<void>();
    using _ = onFailpoint('engine.failback.closing', () => announced.promise);
    const closing = closeFailback(addresses.destination, id);
    using _cutover = onFailpoint('engine.cutover.announced', async () => {
      announced.resolve();
      await assert.rejects(closing, isBlocked);
    });
    await running.cutOver();
    await assert.rejects(appOf(pair.destination, 'shop'), WRITES_BLOCKED);
    await appOf(pair.source, 'shop');
  });

  await t.test('it is closed just before the block', async () => {
    await running.steering.reverse();
    await running.until('the failback to be ready', () => running.progress.readyForCutover);
    using _ = onFailpoint('engine.cutover.about-to-block', () => closeFailback(addresses.source, id));
    running.steering.cutOver();
    await assert.rejects(running.outcome, { code: 'FAILBACK_LOST', message: /the failback was closed/ });
    await appOf(pair.source, 'shop');
    await assert.rejects(appOf(pair.destination, 'shop'), WRITES_BLOCKED);
  });
});

test('a requested direction can be cancelled, and the users stay where they are', { skip }, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const items = pair.source.client.db('shop').collection('items');
  await items.insertMany(numbered(10));
  await using running = new RunningReversible(await reversibleUsers(pair));
  await running.cutOver();
  await running.steering.reverse();
  await running.steering.cancel(true);
  await running.outcome;
  assert.equal(await items.countDocuments(), 10);
  await assert.rejects(appOf(pair.source, items.dbName), WRITES_BLOCKED);
  await appOf(pair.destination, items.dbName);
});

async function block(set: ReplicaSet, global: boolean): Promise<void> {
  await set.client.db('admin').command({ setUserWriteBlockMode: 1, global });
}

/** Writes as a user who can't write through a block. */
async function appOf(set: ReplicaSet, database: string): Promise<void> {
  const user = `plain-${newId()}`;
  await set.createUser(user, 'secret', ['readWriteAnyDatabase']);
  await using client = new MongoClient(set.uriFor(user, 'secret'));
  await client.db(database).collection('items').insertOne({ by: 'the app' });
}
