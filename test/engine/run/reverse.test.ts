import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BSON, type Collection, DBRef } from 'mongodb';
import { LANES } from '../../../src/engine/apply/lanes.ts';
import { keyOf, laneHash } from '../../../src/engine/bson/document-key.ts';
import { BSON_TYPE } from '../../../src/engine/bson/elements.ts';
import { document, element } from '../../../src/engine/bson/raw-document.ts';
import { RawValue } from '../../../src/engine/bson/raw-value.ts';
import { timeOfToken } from '../../../src/engine/mongodb/cluster-time.ts';
import { newId, onReach } from '../../../src/platform/index.ts';
import { fillSeats } from '../../campaign/seats.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSet, startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { SideWriter } from '../cutover/side-writer.ts';
import { holdAt, onceAt } from '../reach-points.ts';
import { RunningReversible, reversibleUsers } from '../running-reversible.ts';

checkForLeaks();

const skip = needsSource('6.0', 'it has no write block');

test('a reversible migration goes there, back, and there again, and no write is lost', { skip }, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const items = pair.source.client.db('shop').collection('items');
  await items.insertMany(numbered(500));
  await using running = new RunningReversible(await reversibleUsers(pair));
  await running.until('the destination to be blocked', () => running.progress.readyForCutover);
  await using source = await SideWriter.start(pair.source, 'source');
  await using destination = await SideWriter.start(pair.destination, 'destination');

  await running.cutOver();
  await eventually(() => destination.acknowledged > 20, { what: 'users to write to the destination' });
  assert.equal(await source.canWrite(), false);

  await running.returnToOldSource();
  const before = source.acknowledged;
  await eventually(() => source.acknowledged > before + 20, { what: 'users to write to the old source' });
  assert.equal(await destination.canWrite(), false);

  await running.returnToOldSource();
  assert.equal(await source.canWrite(), false);
  assert.equal(await destination.canWrite(), true);
  await running.migration.finish();
  assert.equal(await running.outcome, 'committed');
});

test('what users change on the new side after the cutover reaches the old source: documents, indexes, options, names', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const before = pair.source.client.db('shop');
  await before.collection('items').insertMany(numbered(100));
  await before.collection('items').createIndex({ n: 1 }, { unique: true });
  await before.collection('dropped').insertOne({});
  await before.collection('renamed').insertOne({});
  await before.createCollection('log', { capped: true, size: 100_000 });
  await before.collection('log').insertMany(numbered(10));
  await before.createCollection('recent', { viewOn: 'items', pipeline: [{ $match: { n: { $gt: 50 } } }] });
  await using running = new RunningReversible(await reversibleUsers(pair));
  await running.cutOver();

  const after = pair.destination.client.db('shop');
  await after.collection('items').updateOne({ n: 5 }, { $set: { seen: true } });
  await after.collection('items').deleteMany({ n: { $gte: 90 } });
  await after.collection('items').createIndex({ seen: 1 });
  await after.collection('dropped').drop();
  await after.collection('renamed').rename('renamed2');
  await after.collection('new').insertMany(numbered(20));
  await after.collection('new').createIndex({ n: 1 }, { unique: true });
  await after.collection('log').insertMany(numbered(10));
  await after.command({ collMod: 'items', validator: { n: { $gte: 0 } } });

  await running.returnToOldSource();
  await running.migration.finish();
  await expectIdentical(pair);
});

test('documents that pass values of a unique index to each other reach the old source, also when the engine stops', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const seats = pair.source.client.db('shop').collection<{ _id: number; seat: number; active: boolean }>('seats');
  await seats.createIndex({ seat: 1 }, { unique: true, partialFilterExpression: { active: true } });
  await seats.insertMany(Array.from({ length: 200 }, (_, n) => ({ _id: n, seat: n, active: true })));
  // The index doesn't have these, so they keep their values. They never change.
  await seats.insertMany(Array.from({ length: 200 }, (_, n) => ({ _id: 1_000 + n, seat: n, active: false })));
  const addresses = await reversibleUsers(pair);
  const id = newId();
  await using first = new RunningReversible(addresses, id);
  await first.cutOver();

  // The source enforces the index, so one of two documents with the same value is out of date.
  let stopped: Promise<unknown> | undefined;
  using _ = onReach('engine.apply.displaced', async () => {
    stopped ??= first.stop();
  });
  const there = pair.destination.client.db('shop').collection<{ _id: number; seat: number }>('seats');
  for (let round = 1; round <= 5 || stopped === undefined; round += 1) {
    // Everybody moves up by one: each takes the seat that another one has just left.
    await there.updateOne({ _id: 0 }, { $set: { seat: -round } });
    for (let n = 1; n < 200; n += 1) await there.updateOne({ _id: n }, { $inc: { seat: -1 } });
    await there.updateOne({ _id: 0 }, { $set: { seat: 200 - round } });
  }
  await stopped;

  await using second = new RunningReversible(addresses, id);
  await second.returnToOldSource();
  await second.migration.finish();
  await expectIdentical(pair);
});

test('a way back whose engine is stopped is resumed in its direction', { skip }, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await pair.source.client.db('shop').collection('items').insertMany(numbered(100));
  const addresses = await reversibleUsers(pair);
  const id = newId();
  {
    await using running = new RunningReversible(addresses, id);
    await running.cutOver();
    assert.equal(await running.stop(), 'stopped');
  }
  for (const turn of [1, 2, 3, 4]) {
    const primary = turn % 2 === 1 ? pair.destination : pair.source;
    await primary.client.db('shop').collection('items').insertMany(numbered(100));
    await using running = new RunningReversible(addresses, id);
    await running.returnToOldSource();
    assert.equal(running.migration.current.options.reversals, turn);
    await expectIdentical(pair);
    assert.equal(await running.stop(), 'stopped');
  }
  await using running = new RunningReversible(addresses, id);
  await running.untilFollowing();
  await running.migration.finish();
  await expectIdentical(pair);
});

test('a document that makes room holds back no change from before the one that needs it was read', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await fillSeats(pair.source.client);
  await using running = new RunningReversible(await reversibleUsers(pair));
  await running.cutOver();
  const seats = { there: seatsOf(pair.destination), here: seatsOf(pair.source) };
  // 2 needs the seat of 1, which is late. While 2 waits, a change arrives, and then 2 needs the seat of 3, which is late, too.
  using displaced = holdAt('engine.apply.displaced', { times: 1 });
  {
    using late = holdAt('engine.apply.batch-taken', { times: 1 });
    await seats.there.updateOne({ _id: 1 }, { $set: { seat: -1 } });
    await late.reached;
    await seats.there.updateOne({ _id: 2 }, { $set: { seat: 1 } });
    await displaced.reached;
  }
  await seats.there.updateOne({ _id: 4 }, { $set: { seat: -4 } });
  await eventually(() => seats.here.findOne({ _id: 4, seat: -4 }), { what: 'the change in between' });
  const { operationTime } = await pair.destination.client.db('admin').command({ ping: 1 });
  using late = holdAt('engine.apply.batch-taken', { times: 1 });
  await seats.there.updateOne({ _id: 3 }, { $set: { seat: -3 } });
  await late.reached;
  await seats.there.updateOne({ _id: 2 }, { $set: { seat: 3 } });
  displaced.release();
  await eventually(() => seats.here.findOne({ _id: 2, seat: 3 }), { what: 'the document that needed room' });
  const records = pair.source.client.db('linkspan_internal').collection('migrations');
  const isPassed = async () => timeOfToken((await records.findOne())?.token).greaterThanOrEqual(operationTime);
  await eventually(isPassed, { what: 'the checkpoint to pass the change in between' });
  late.release();
  await running.returnToOldSource();
  await expectIdentical(pair);
});

for (const { isLost, what } of [
  { isLost: false, what: 'a document whose array has the values in the way, but apart, is written again' },
  {
    isLost: true,
    what: 'a document whose array has them apart is written again when the answer to its delete is lost',
  },
])
  test(what, { skip }, async () => {
    await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
    const [here, there] = [placesOf(pair.source), placesOf(pair.destination)];
    await here.createIndex({ 'at.row': 1, 'at.seat': 1 }, { unique: true });
    const apart = [
      { row: 1, seat: 3 },
      { row: 3, seat: 1 },
    ];
    const at = [{ row: 1, seat: 1 }, { row: 2, seat: 2 }, apart];
    await here.insertMany(at.map((at, n) => ({ _id: n + 1, at })));
    await using running = new RunningReversible(await reversibleUsers(pair));
    await running.cutOver();
    using late = holdAt('engine.apply.batch-taken', { times: 1 });
    using displaced = onceAt('engine.apply.about-to-displace', async () => {
      const writeConcernError = { code: 91, errmsg: 'the server ends' };
      const failure = { mode: { times: 1 }, data: { failCommands: ['delete'], writeConcernError } };
      if (isLost) await pair.source.failCommand(failure);
    });
    await there.updateOne({ _id: 1 }, { $set: { 'at.row': -1 } });
    await late.reached;
    await there.updateOne({ _id: 2 }, { $set: { at: { row: 1, seat: 1 } } });
    await eventually(() => here.findOne({ _id: 2, 'at.row': 1 }), { what: 'the document that needed room' });
    assert.ok(displaced.result !== undefined);
    late.release();
    await eventually(() => here.findOne({ _id: 3 }), { what: 'the document with both values apart' });
    await running.returnToOldSource();
    await expectIdentical(pair);
  });

test('documents that pass values inside of DBRefs, beside invalid UTF-8, make room for each other', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const [here, there] = [pair.source, pair.destination].map(({ client }) => client.db('shop').collection('owned'));
  assert.ok(here && there);
  await here.createIndex({ 'owner.$id': 1 }, { unique: true });
  const invalid = element(BSON_TYPE.string, 'text', Buffer.from([3, 0, 0, 0, 0xff, 0xfe, 0]));
  const owned = [1, 2].map((n) => {
    const fields = Buffer.from(BSON.serialize({ _id: n, owner: new DBRef('users', n as never) }));
    return new RawValue(BSON_TYPE.document, document(fields.subarray(4, -1), invalid));
  });
  await pair.source.client.db('shop').command({ insert: 'owned', documents: owned });
  await using running = new RunningReversible(await reversibleUsers(pair));
  await running.cutOver();
  let displaced = 0;
  using _ = onReach('engine.apply.displaced', () => {
    displaced += 1;
  });
  using late = holdAt('engine.apply.batch-taken', { times: 1 });
  await there.updateOne({ _id: 1 as never }, { $set: { 'owner.$id': -1 } });
  await late.reached;
  await there.updateOne({ _id: 2 as never }, { $set: { 'owner.$id': 1 } });
  const passed = () => here.countDocuments({ _id: 2 as never, 'owner.$id': 1 });
  await eventually(passed, { what: 'the document that needed room' });
  assert.equal(displaced, 1, 'it got room, and the way back did not begin again');
  late.release();
  await running.returnToOldSource();
  await expectIdentical(pair);
});

test('a document that gets a newer state before it would make room for another one stays', { skip }, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await fillSeats(pair.source.client);
  await using running = new RunningReversible(await reversibleUsers(pair));
  await running.cutOver();
  const seats = { there: seatsOf(pair.destination), here: seatsOf(pair.source) };
  using held = holdAt('engine.apply.about-to-displace', { times: 1 });
  let isMissing: boolean | undefined;
  using _ = onceAt('engine.apply.displaced', async () => {
    isMissing = (await seats.here.countDocuments({ _id: 1 })) === 0;
  });
  // The way back meets the value of 1 in 2 before it has applied what 1 has now.
  using late = holdAt('engine.apply.batch-taken', { times: 1 });
  await seats.there.updateOne({ _id: 1 }, { $set: { seat: -1 } });
  await late.reached;
  await seats.there.updateOne({ _id: 2 }, { $set: { seat: 1 } });
  await held.reached;
  late.release();
  await eventually(() => seats.here.findOne({ _id: 1, seat: -1 }), { what: 'the newer state' });
  held.release();
  await eventually(() => seats.here.findOne({ _id: 2, seat: 1 }), { what: 'the document that needed room' });
  assert.equal(isMissing, false);
  await running.returnToOldSource();
  await expectIdentical(pair);
});

test('a document that makes room for another one of its batch is read again, too', { skip }, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await fillSeats(pair.source.client);
  await using running = new RunningReversible(await reversibleUsers(pair));
  await running.cutOver();
  const seats = { there: seatsOf(pair.destination), here: seatsOf(pair.source) };
  const [first = 0, holder = 0, other = 0] = inOneLane();
  let displaced = 0;
  using _ = onReach('engine.apply.displaced', () => {
    displaced += 1;
  });
  using before = holdAt('engine.apply.batch-taken', { times: 1 });
  await seats.there.updateOne({ _id: first }, { $set: { seat: -1 } });
  await before.reached;
  await seats.there.replaceOne({ _id: holder }, { seat: -2 });
  await seats.there.updateOne({ _id: other }, { $set: { seat: -3 } });
  const isQueued = () => running.migration.wayBack?.progress().changes.queued === 3;
  await eventually(isQueued, { what: 'both changes in the lane' });
  using both = holdAt('engine.apply.batch-taken', { times: 1 });
  before.release();
  await both.reached;
  await seats.there.updateOne({ _id: holder }, { $set: { seat: -4 } });
  await seats.there.updateOne({ _id: other }, { $set: { seat: -2 } });
  both.release();
  await eventually(() => seats.here.findOne({ _id: holder, seat: -4 }), { what: 'the newer state' });
  await eventually(() => seats.here.findOne({ _id: other, seat: -2 }), { what: 'the document that needed room' });
  assert.equal(displaced, 1);
  await running.returnToOldSource();
  await expectIdentical(pair);
});

/** Returns keys of seats that share a lane. */
function inOneLane(): readonly number[] {
  const lanes = Map.groupBy(Array(60).keys(), (_id) => laneHash(keyOf(Buffer.from(BSON.serialize({ _id })))) % LANES);
  return [...lanes.values()].find(({ length }) => length >= 3) ?? [];
}

test('a state that is out of date makes no room for itself', { skip }, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await fillSeats(pair.source.client);
  await using running = new RunningReversible(await reversibleUsers(pair));
  await running.cutOver();
  const seats = { there: seatsOf(pair.destination), here: seatsOf(pair.source) };
  let displaced = 0;
  using _ = onReach('engine.apply.displaced', () => {
    displaced += 1;
  });
  using late = holdAt('engine.apply.batch-taken', { times: 1 });
  // Unlike an update, the stream shows the whole document.
  await seats.there.replaceOne({ _id: 1 }, { seat: -1 });
  await late.reached;
  await seats.there.updateOne({ _id: 1 }, { $set: { seat: -2 } });
  await seats.there.updateOne({ _id: 2 }, { $set: { seat: -1 } });
  await eventually(() => seats.here.findOne({ _id: 2, seat: -1 }), { what: 'the document that has the value now' });
  late.release();
  await eventually(() => seats.here.findOne({ _id: 1, seat: -2 }), { what: 'the newer state' });
  assert.equal(displaced, 0);
  await running.returnToOldSource();
  await expectIdentical(pair);
});

interface Place {
  readonly row: number;
  readonly seat: number;
}

/** Documents with a place, or several. */
function placesOf({ client }: ReplicaSet): Collection<{ _id: number; at: Place | Place[] }> {
  return client.db('shop').collection('places');
}

function seatsOf({ client }: ReplicaSet): Collection<{ _id: number; seat: number }> {
  return client.db('shop').collection('seats');
}
