import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId, onFailpoint } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { SideWriter } from '../cutover/side-writer.ts';
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
  await running.steering.finish();
  assert.equal(await running.outcome, 'COMMITTED');
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
  await running.steering.finish();
  await expectIdentical(pair);
});

test('documents that pass values of a unique index to each other reach the old source, also when the engine stops', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const seats = pair.source.client.db('shop').collection<{ _id: number; seat: number; active: boolean }>('seats');
  await seats.createIndex({ seat: 1 }, { unique: true, partialFilterExpression: { active: true } });
  await seats.insertMany(Array.from({ length: 60 }, (_, n) => ({ _id: n, seat: n, active: true })));
  // The index doesn't have these, so they keep their values. They never change.
  await seats.insertMany(Array.from({ length: 60 }, (_, n) => ({ _id: 1_000 + n, seat: n, active: false })));
  const addresses = await reversibleUsers(pair);
  const id = newId();
  await using first = new RunningReversible(addresses, id);
  await first.cutOver();

  // The source enforces the index, so one of two documents with the same value is out of date.
  let stopped: Promise<unknown> | undefined;
  using _ = onFailpoint('engine.apply.displaced', async () => {
    stopped ??= first.stop();
  });
  const there = pair.destination.client.db('shop').collection<{ _id: number; seat: number }>('seats');
  for (let round = 1; round <= 5 || stopped === undefined; round += 1) {
    // Everybody moves up by one: each takes the seat that another one has just left.
    await there.updateOne({ _id: 0 }, { $set: { seat: -round } });
    for (let n = 1; n < 60; n += 1) await there.updateOne({ _id: n }, { $inc: { seat: -1 } });
    await there.updateOne({ _id: 0 }, { $set: { seat: 60 - round } });
  }
  await stopped;

  await using second = new RunningReversible(addresses, id);
  await second.returnToOldSource();
  await second.steering.finish();
  await expectIdentical(pair);
});

test('a failback whose engine is stopped is resumed in its direction', { skip }, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await pair.source.client.db('shop').collection('items').insertMany(numbered(100));
  const addresses = await reversibleUsers(pair);
  const id = newId();
  {
    await using running = new RunningReversible(addresses, id);
    await running.cutOver();
    assert.equal(await running.stop(), 'STOPPED');
  }
  for (const turn of [1, 2, 3, 4]) {
    const primary = turn % 2 === 1 ? pair.destination : pair.source;
    await primary.client.db('shop').collection('items').insertMany(numbered(100));
    await using running = new RunningReversible(addresses, id);
    await running.returnToOldSource();
    assert.equal(running.migration.current.options.reversals, turn);
    await expectIdentical(pair);
    assert.equal(await running.stop(), 'STOPPED');
  }
  await using running = new RunningReversible(addresses, id);
  await running.untilFollowing();
  await running.steering.finish();
  await expectIdentical(pair);
});
