import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BSON, type Collection, DBRef, type Document } from 'mongodb';
import { LANES } from '../../../src/engine/apply/lanes.ts';
import { keyOf, laneHash } from '../../../src/engine/bson/document-key.ts';
import { BSON_TYPE } from '../../../src/engine/bson/elements.ts';
import { document, element } from '../../../src/engine/bson/raw-document.ts';
import { RawValue } from '../../../src/engine/bson/raw-value.ts';
import { timeOfToken } from '../../../src/engine/mongodb/cluster-time.ts';
import { onFailpoint } from '../../../src/platform/index.ts';
import { fillSeats } from '../../campaign/seats.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSet, type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { holdAt, onceAt } from '../reach-points.ts';
import { RunningReversible, reversibleUsers } from '../running-reversible.ts';

checkForLeaks({ sockets: false });

const skip = needsSource('6.0', 'it has no write block');

// One failback serves all tests. Each of them changes documents of its own.
let pair: ReplicaSetPair;
let running: RunningReversible;
before(async () => {
  if (skip) return;
  pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await fillSeats(pair.source.client);
  for (const isLost of [false, true]) await fillPlaces(placesOf(pair.source, isLost));
  await fillOwned(pair.source);
  running = new RunningReversible(await reversibleUsers(pair));
  await running.cutOver();
});
after(async () => {
  if (skip) return;
  await using _ = pair;
  await using last = running;
  await last.returnToOldSource();
  await expectIdentical(pair);
});

test('a document that makes room holds back no change from before the one that needs it was read', {
  skip,
}, async () => {
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
  await untilIdentical();
});

for (const { isLost, what } of [
  { isLost: false, what: 'a document whose array has the values in the way, but apart, is written again' },
  {
    isLost: true,
    what: 'a document whose array has them apart is written again when the answer to its delete is lost',
  },
])
  test(what, { skip }, async () => {
    const [here, there] = [placesOf(pair.source, isLost), placesOf(pair.destination, isLost)];
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
    await untilIdentical();
  });

test('documents that pass values inside of DBRefs, beside invalid UTF-8, make room for each other', {
  skip,
}, async () => {
  const [here, there] = [ownedOf(pair.source), ownedOf(pair.destination)];
  let displaced = 0;
  using _ = onFailpoint('engine.apply.displaced', () => {
    displaced += 1;
  });
  using late = holdAt('engine.apply.batch-taken', { times: 1 });
  await there.updateOne({ _id: 1 }, { $set: { 'owner.$id': -1 } });
  await late.reached;
  await there.updateOne({ _id: 2 }, { $set: { 'owner.$id': 1 } });
  const passed = () => here.countDocuments({ _id: 2, 'owner.$id': 1 });
  await eventually(passed, { what: 'the document that needed room' });
  assert.equal(displaced, 1, 'it got room, and the failback did not begin again');
  late.release();
  await untilIdentical();
});

test('a document that gets a newer state before it would make room for another one stays', { skip }, async () => {
  const seats = { there: seatsOf(pair.destination), here: seatsOf(pair.source) };
  using held = holdAt('engine.apply.about-to-displace', { times: 1 });
  let isMissing: boolean | undefined;
  using _ = onceAt('engine.apply.displaced', async () => {
    isMissing = (await seats.here.countDocuments({ _id: 11 })) === 0;
  });
  // The failback meets the value of 11 in 12 before it has applied what 11 has now.
  using late = holdAt('engine.apply.batch-taken', { times: 1 });
  await seats.there.updateOne({ _id: 11 }, { $set: { seat: -11 } });
  await late.reached;
  await seats.there.updateOne({ _id: 12 }, { $set: { seat: 11 } });
  await held.reached;
  late.release();
  await eventually(() => seats.here.findOne({ _id: 11, seat: -11 }), { what: 'the newer state' });
  held.release();
  await eventually(() => seats.here.findOne({ _id: 12, seat: 11 }), { what: 'the document that needed room' });
  assert.equal(isMissing, false);
  await untilIdentical();
});

test('a document that makes room for another one of its batch is read again, too', { skip }, async () => {
  const seats = { there: seatsOf(pair.destination), here: seatsOf(pair.source) };
  const [first = 0, holder = 0, other = 0] = inOneLane();
  let displaced = 0;
  using _ = onFailpoint('engine.apply.displaced', () => {
    displaced += 1;
  });
  using before = holdAt('engine.apply.batch-taken', { times: 1 });
  await seats.there.updateOne({ _id: first }, { $set: { seat: -31 } });
  await before.reached;
  await seats.there.replaceOne({ _id: holder }, { seat: -32 });
  await seats.there.updateOne({ _id: other }, { $set: { seat: -33 } });
  const isQueued = () => running.migration.failback?.progress().changes.queued === 3;
  await eventually(isQueued, { what: 'both changes in the lane' });
  using both = holdAt('engine.apply.batch-taken', { times: 1 });
  before.release();
  await both.reached;
  await seats.there.updateOne({ _id: holder }, { $set: { seat: -34 } });
  await seats.there.updateOne({ _id: other }, { $set: { seat: -32 } });
  both.release();
  await eventually(() => seats.here.findOne({ _id: holder, seat: -34 }), { what: 'the newer state' });
  await eventually(() => seats.here.findOne({ _id: other, seat: -32 }), { what: 'the document that needed room' });
  assert.equal(displaced, 1);
  await untilIdentical();
});

test('a state that is out of date makes no room for itself', { skip }, async () => {
  const seats = { there: seatsOf(pair.destination), here: seatsOf(pair.source) };
  let displaced = 0;
  using _ = onFailpoint('engine.apply.displaced', () => {
    displaced += 1;
  });
  using late = holdAt('engine.apply.batch-taken', { times: 1 });
  // Unlike an update, the stream shows the whole document.
  await seats.there.replaceOne({ _id: 21 }, { seat: -21 });
  await late.reached;
  await seats.there.updateOne({ _id: 21 }, { $set: { seat: -22 } });
  await seats.there.updateOne({ _id: 22 }, { $set: { seat: -21 } });
  await eventually(() => seats.here.findOne({ _id: 22, seat: -21 }), { what: 'the document that has the value now' });
  late.release();
  await eventually(() => seats.here.findOne({ _id: 21, seat: -22 }), { what: 'the newer state' });
  assert.equal(displaced, 0);
  await untilIdentical();
});

/** Returns keys of seats that share a lane. */
function inOneLane(): readonly number[] {
  const lanes = Map.groupBy(
    Array.from({ length: 30 }, (_, n) => 30 + n),
    (_id) => laneHash(keyOf(Buffer.from(BSON.serialize({ _id })))) % LANES,
  );
  return [...lanes.values()].find(({ length }) => length >= 3) ?? [];
}

/** Waits until the old source has what users changed, while the failback follows. */
async function untilIdentical(): Promise<void> {
  await eventually(() => expectIdentical(pair), { what: 'both sides to be identical', pollMs: 200 });
  await running.untilFollowing();
  running.expectNoMismatches();
}

async function fillPlaces(places: Collection<Placed>): Promise<void> {
  await places.createIndex({ 'at.row': 1, 'at.seat': 1 }, { unique: true });
  const apart = [
    { row: 1, seat: 3 },
    { row: 3, seat: 1 },
  ];
  const at = [{ row: 1, seat: 1 }, { row: 2, seat: 2 }, apart];
  await places.insertMany(at.map((at, n) => ({ _id: n + 1, at })));
}

async function fillOwned(source: ReplicaSet): Promise<void> {
  await ownedOf(source).createIndex({ 'owner.$id': 1 }, { unique: true });
  const invalid = element(BSON_TYPE.string, 'text', Buffer.from([3, 0, 0, 0, 0xff, 0xfe, 0]));
  const owned = [1, 2].map((n) => {
    const fields = Buffer.from(BSON.serialize({ _id: n, owner: new DBRef('users', n as never) }));
    return new RawValue(BSON_TYPE.document, document(fields.subarray(4, -1), invalid));
  });
  await source.client.db('shop').command({ insert: 'owned', documents: owned });
}

interface Place {
  readonly row: number;
  readonly seat: number;
}

/** A document with a place, or several. */
interface Placed {
  readonly _id: number;
  readonly at: Place | Place[];
}

/** Returns a collection for each of the two tests. */
function placesOf({ client }: ReplicaSet, isLost: boolean): Collection<Placed> {
  return client.db('shop').collection(isLost ? 'places and a lost answer' : 'places');
}

function ownedOf({ client }: ReplicaSet): Collection<Document & { _id: number }> {
  return client.db('shop').collection('owned');
}

function seatsOf({ client }: ReplicaSet): Collection<{ _id: number; seat: number }> {
  return client.db('shop').collection('seats');
}
