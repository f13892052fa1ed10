import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Binary, BSON, type CollectionInfo, type Document, Timestamp, type UpdateFilter } from 'mongodb';
import { keyBytes, keyOf } from '../../../src/engine/bson/document-key.ts';
import type { MigrationOptions } from '../../../src/engine/index.ts';
import { newId, onFailpoint } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { emptyPair } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { holdAt, onceAt } from '../reach-points.ts';
import { RunningReversible, reversibleUsers } from '../running-reversible.ts';

checkForLeaks({ sockets: false });

const skip = needsSource('6.0', 'it has no write block');

interface Seat {
  readonly _id: number;
  readonly seat: number;
  readonly hall: number;
}

interface Placed {
  readonly _id: number;
  readonly at: object;
}

let pair: ReplicaSetPair;
let addresses: Awaited<ReturnType<typeof reversibleUsers>>;
before(async () => {
  const mongodArgs = ['--setParameter', 'enableTestCommands=1'];
  pair = await startPair({ source: { auth: true, mongodArgs }, destination: { auth: true } });
  addresses = await reversibleUsers(pair);
});
beforeEach(() => emptyPair(pair));
after(() => pair[Symbol.asyncDispose]());

/** Returns a collection of the old source, and the same one of the new side. */
function collections<T extends object>(name: string) {
  const of = ({ client }: ReplicaSetPair['source']) => client.db('shop').collection<T>(name);
  return { here: of(pair.source), there: of(pair.destination) };
}

/** Returns the bytes of a document with this key. */
function serialized(_id: number): Buffer {
  return Buffer.from(BSON.serialize({ _id }));
}

/** Returns records of the failback, which are on the old source. */
function recordsOf(name: string) {
  return pair.source.client.db('linkspan_internal').collection(name);
}

/** Returns 20 seats of a hall, with the same numbers in each hall. */
function seatsOf(hall: number): Seat[] {
  return Array.from({ length: 20 }, (_, n) => ({ _id: hall * 1_000 + n, seat: n, hall }));
}

/** Counts the documents that lanes displace, until it is disposed of. */
function countDisplaced() {
  let count = 0;
  const listening = onFailpoint('engine.apply.displaced', () => {
    count += 1;
  });
  return {
    get count() {
      return count;
    },
    [Symbol.dispose]: () => listening[Symbol.dispose](),
  };
}

/** Waits until the failback names the index that the old source still has, and checks that it isn't ready. */
async function untilItWaitsForTheIndex({ migration }: RunningReversible): Promise<void> {
  const waits = () => migration.failback?.progress().waiting.map(({ reason }) => reason) ?? [];
  const isTold = () =>
    waits().some((reason) => /by a unique index that the source does not have now: E11000/.test(reason));
  await eventually(isTold, { what: 'the wait for the index' });
  assert.equal(migration.failback?.progress().readyForCutover, false);
}

/** Users drop a unique index and write what it refused, while the old source still has it. The engine is stopped then. */
async function useFreedom({ isBuilt }: { readonly isBuilt: boolean }): Promise<void> {
  const { here, there } = collections<Seat>('seats');
  await here.createIndex({ seat: 1 }, { unique: true });
  await here.insertMany(seatsOf(1));
  const id = newId();
  await using first = new RunningReversible(addresses, id);
  await first.cutOver();
  using displaced = countDisplaced();
  const build = (mode: string) =>
    pair.source.client.db('admin').command({ configureFailPoint: 'hangAfterStartingIndexBuild', mode });
  await using _ = { [Symbol.asyncDispose]: async () => void (await build('off')) };
  using drop = holdAt('engine.change.dropIndexes');
  if (isBuilt) {
    drop.release();
    await build('alwaysOn');
    using building = onceAt('engine.change.createIndexes', async () => undefined);
    await there.createIndex({ hall: 1, seat: 1 }, { unique: true });
    await eventually(() => building.result !== undefined, { what: 'the build on the old source' });
  }
  await there.dropIndex('seat_1');
  await there.insertMany(seatsOf(2));
  await untilItWaitsForTheIndex(first);
  const stopping = first.stop();
  drop.release();
  await build('off');
  await stopping;
  await using second = new RunningReversible(addresses, id);
  await second.returnToOldSource();
  assert.equal(displaced.count, 0);
  assert.equal(await here.countDocuments(), 40);
  await second.untilFollowing();
  await second.steering.finish();
  await expectIdentical(pair);
}

// id: refused-by-dropped-index
test(
  'documents that a unique index refused before users dropped it are on both sides after a stop and a return',
  {
    skip,
  },
  () => useFreedom({ isBuilt: false }),
);

// id: refused-by-replaced-index
test(
  'documents that a unique index refused are on both sides, also when the old source still builds the wider one that replaced it',
  {
    skip,
  },
  () => useFreedom({ isBuilt: true }),
);

/** Has a failback displace the documents 1 and 3 for document 2. The change of 1 is held, and 3 has no change. */
async function displaceBeside(running: RunningReversible) {
  const { here, there } = collections<Placed>('places');
  await here.createIndex({ 'at.row': 1, 'at.seat': 1 }, { unique: true });
  const apart = [
    { row: 1, seat: 3 },
    { row: 3, seat: 1 },
  ];
  const at = [{ row: 1, seat: 1 }, { row: 2, seat: 2 }, apart];
  await here.insertMany(at.map((at, n) => ({ _id: n + 1, at })));
  await running.cutOver();
  const late = holdAt('engine.apply.batch-taken', { times: 1 });
  await there.updateOne({ _id: 1 }, { $set: { 'at.row': -1 } });
  await late.reached;
  await there.updateOne({ _id: 2 }, { $set: { at: { row: 1, seat: 1 } } });
  return { here, late };
}

for (const point of [
  'engine.write.update.displaced',
  'engine.apply.about-to-displace',
  'engine.apply.displaced',
  'engine.write.delete.displaced',
])
  test(`documents that make room are there after a kill at ${point}`, { skip }, async () => {
    const id = newId();
    await using first = new RunningReversible(addresses, id);
    using killed = holdAt(point, { times: 1 });
    const { here, late } = await displaceBeside(first);
    using _ = late;
    await killed.reached;
    if (point === 'engine.apply.displaced') assert.equal(await here.countDocuments({ _id: 3 }), 0);
    // The first engine stays where it is, as a killed one does.
    await using second = new RunningReversible(addresses, id, { takeOver: true });
    await second.returnToOldSource();
    assert.equal(await here.countDocuments({ _id: 3 }), 1);
    assert.equal(await recordsOf('displaced').countDocuments(), 0);
    await expectIdentical(pair);
  });

// id: not-ready-with-made-room
test('a failback with a document that made room is not ready, and says why', { skip }, async () => {
  await using running = new RunningReversible(addresses);
  const { here, late } = await displaceBeside(running);
  using _ = late;
  await eventually(() => here.findOne({ _id: 2, 'at.row': 1 }), { what: 'the document that needed room' });
  const reasons = () => running.migration.failbackProgress?.notReadyReasons.join() ?? '';
  const isTold = () => /for shop\.places since .*: 1 document made room for unique values of others/.test(reasons());
  await eventually(isTold, { what: 'the document whose change is held to be the only one that made room' });
  const { readyForCutover, readiness } = running.migration.failbackProgress ?? {};
  assert.equal(readyForCutover, false);
  const states = ['WAITS', 'INDEXES'].map((name) => readiness?.find((gate) => gate.name === name)?.state);
  assert.deepEqual(states, ['WAITING', 'PASSED']);
  late.release();
  await running.returnToOldSource();
  await expectIdentical(pair);
});

// id: not-proven-before-write
test('a failback is not proven equal while the next engine has yet to write a document that made room', {
  skip,
}, async () => {
  const { here } = collections<Seat>('seats');
  await here.insertMany(seatsOf(1));
  const id = newId();
  {
    await using first = new RunningReversible(addresses, id);
    await first.cutOver();
  }
  const [listed] = await pair.destination.client.db('shop').listCollections({ name: 'seats' }).toArray();
  const key = {
    m: id,
    u: (listed as CollectionInfo).info?.uuid,
    k: new Binary(keyBytes(keyOf(serialized(1_000)))),
  };
  await recordsOf('displaced').insertOne({ _id: key as never, mark: 'mark' });
  using late = holdAt('engine.apply.batch-taken');
  await using second = new RunningReversible(addresses, id);
  await late.reached;
  const progress = () => second.migration.failbackProgress;
  const isPassed = (gate: string) => progress()?.readiness.find(({ name }) => name === gate)?.state === 'PASSED';
  await second.until('all else to be ready', () => ['DOCUMENTS', 'LAG', 'INDEXES'].every(isPassed));
  assert.match(progress()?.notReadyReasons.join() ?? '', /1 document made room/);
  assert.deepEqual([progress()?.state, progress()?.verification.equalAt], ['COPYING', null]);
  late.release();
  await second.untilFollowing();
  assert.equal(await recordsOf('displaced').countDocuments(), 0);
});

/**
 * Inserts a document on the old source, and has the failback compare everything.
 * @param fields  the change of the failback's record that makes it compare
 */
async function holdsExtra(fields: UpdateFilter<Document>, options: Partial<MigrationOptions> = {}): Promise<void> {
  const { here, there } = collections<Seat>('seats');
  await here.insertMany(seatsOf(1));
  const id = newId();
  {
    await using first = new RunningReversible(addresses, id, options);
    await first.cutOver();
  }
  await recordsOf('migrations').updateOne({ _id: id as never }, fields);
  await here.insertOne({ _id: 1, seat: 1, hall: 1 });
  // The stream shows the delete of this one.
  await there.deleteOne({ _id: 1_000 });
  await using second = new RunningReversible(addresses, id, options);
  const { migration } = second;
  const waits = () => migration.failback?.progress().waiting.map(({ reason }) => reason) ?? [];
  const told =
    /^The destination has documents that the source lacks: at least 1, the first in shop\.seats with _id 1\./;
  await second.until('the wait for a confirmation', () => waits().some((reason) => told.test(reason)));
  const gates = migration.failback?.progress().readiness ?? [];
  assert.equal(gates.find(({ name }) => name === 'DROPS')?.state, 'BLOCKED');
  await eventually(async () => (await here.countDocuments()) === 20, { what: 'the delete that the stream shows' });
  assert.equal(await here.countDocuments({ _id: 1 }), 1);
  second.steering.confirmDrops(Date.now());
  await second.untilFollowing();
  assert.equal(await here.countDocuments({ _id: 1 }), 0);
  await second.steering.finish();
  await expectIdentical(pair);
}

// id: verification-deletes-nothing
test(
  'a document that the verification finds only on the old source stays there until an operator confirms its delete',
  {
    skip,
  },
  () => holdsExtra({ $unset: { verifiedTerm: 1, externalTo: 1 } }),
);

// id: repair-deletes-nothing
test(
  'a document that the repair of lost history finds only on the old source stays there until an operator confirms its delete',
  {
    skip,
  },
  () => holdsExtra({ $set: { watchedTo: new Timestamp({ t: 1, i: 1 }) } }, { verification: 'OFF' }),
);

// id: found-in-pause-of-return
test('a document that is found only on the old source in the write pause of a return puts the return off', {
  skip,
}, async () => {
  const { here } = collections<Seat>('seats');
  await here.insertMany(seatsOf(1));
  await using running = new RunningReversible(addresses);
  await running.cutOver();
  await running.steering.reverse();
  await running.until('the failback to be ready', () => running.progress.readyForCutover);
  using inPause = onceAt('engine.cutover.source-blocked', () => here.insertOne({ _id: 1, seat: 1, hall: 1 }));
  running.steering.cutOver();
  const isHeld = () => running.progress.waiting.some(({ for: what }) => what === 'a confirmation of drops');
  await running.until('the wait for a confirmation', isHeld);
  assert.ok(inPause.result);
  assert.equal(running.progress.canWrite, false);
  await here.deleteOne({ _id: 1 });
  await running.until('the return', () => running.progress.state === 'COMMITTED');
  await running.untilFollowing();
  await running.steering.finish();
  await expectIdentical(pair);
});
