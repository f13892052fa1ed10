import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { MongoClient } from 'mongodb';
import { systemClock } from '../../../src/platform/index.ts';
import { compareClusters } from '../../support/compare-clusters.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { holdAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

const skip = needsSource('6.0', 'a drop stops the migration');
const DOCUMENTS = 20;
const NAMES = ['a.one', 'a.two', 'b.three', 'b.four', 'c.five'] as const;

describe('drops that take most of a migration', { skip }, async () => {
  const startFilled = async (): Promise<ReplicaSetPair> => {
    const pair = await startPair();
    for (const name of NAMES) await fill(pair, name);
    return pair;
  };
  const start = (pair: ReplicaSetPair, options: Parameters<typeof RunningMigration.start>[1] = {}) =>
    RunningMigration.start(pair, { confirmDrops: false, ...options });
  const dropMost = async ({ source }: ReplicaSetPair) => {
    for (const name of ['a', 'b']) await source.client.db(name).dropDatabase();
  };
  const untilHeld = async (running: RunningMigration) => {
    await running.until('the drops to be held', ({ waiting }) =>
      waiting.some((wait) => wait.for === 'a confirmation of drops'),
    );
    assert.equal(running.progress.readyForCutover, false);
  };
  const untilFollowed = async ({ source, destination }: ReplicaSetPair) => {
    const same = async () => (await compareClusters(source.client, destination.client)).differences.length === 0;
    await eventually(same, { what: 'the destination to equal the source', pollMs: 200 });
  };

  // id: most-drops-held-until-confirmed
  test('are held and reported with names and counts, while changes of others continue, until an operator confirms them', async () => {
    await using pair = await startFilled();
    await using running = start(pair);
    await running.untilReady();
    await dropMost(pair);
    await untilHeld(running);
    const { waiting, notReadyReasons, warnings } = running.progress;
    const reason = waiting.find((wait) => wait.for === 'a confirmation of drops')?.reason ?? '';
    assert.match(reason, /dropped [34] of the 5 collections and [68]0 of the 100 documents .* first [ab]\./);
    assert.ok(
      notReadyReasons.some((one) => one.includes(reason)),
      notReadyReasons.join('\n'),
    );
    assert.ok(
      warnings.some((one) => one.includes(reason)),
      warnings.join('\n'),
    );
    await pair.source.client.db('c').collection('five').insertOne({ late: true });
    await pair.source.client.db('c').collection('six').insertOne({ late: true });
    for (const name of ['five', 'six']) {
      const arrived = () => pair.destination.client.db('c').collection(name).findOne({ late: true });
      await eventually(arrived, { what: `a change of ${name}` });
    }
    const left = await namesOn(pair.destination.client);
    assert.ok(NAMES.filter((name) => left.includes(name)).length * 2 >= NAMES.length, left.join());
    assert.throws(() => running.steering.cutOver(), { code: 'NOT_READY_FOR_CUTOVER' });
    running.steering.confirmDrops(Date.now());
    await running.commit();
    await expectIdentical(pair);
  });

  // id: drops-held-between-runs
  test('are held between runs too, unless they were confirmed at the start', async () => {
    await using pair = await startFilled();
    await using first = start(pair);
    await first.untilReady();
    await first.stop();
    await dropMost(pair);
    const { migrationId } = first.progress;
    await using second = start(pair, { migrationId });
    await untilHeld(second);
    assert.deepEqual(await namesOn(pair.destination.client), [...NAMES].sort(), 'nothing was dropped');
    assert.equal(await second.stop(), 'STOPPED');
    await using third = start(pair, { migrationId, confirmDrops: true });
    await third.commit();
    await expectIdentical(pair);
  });

  // id: drops-stay-held
  test('stay held when they are a small part of what is left: later, after another change of the catalog, and in the next run', async () => {
    await using pair = await startPair();
    const collections = Array.from({ length: 10 }, (_, n) => `a.c${n}`);
    for (const name of collections) await fill(pair, name);
    const shop = pair.source.client.db('a');
    let aheadMs = 0;
    const clock = { ...systemClock, elapsed: () => systemClock.elapsed() + aheadMs };
    await using first = start(pair, { clock });
    await first.untilReady();
    const drop = async (names: readonly string[]) => {
      for (const name of names) await shop.collection(name).drop();
    };
    await drop(['c0', 'c1', 'c2']);
    await first.until('the first drops', ({ copy }) => copy.collectionsTotal === 7);
    {
      // The engine finds all three at a time.
      using _ = holdAt('engine.catalog.comparison-begun');
      await drop(['c3', 'c4', 'c5']);
    }
    await untilHeld(first);
    const left = async () => await namesOn(pair.destination.client);
    const changed = async (running: RunningMigration, key: string) => {
      await shop.collection('c9').createIndex({ [key]: 1 });
      const indexes = () => pair.destination.client.db('a').collection('c9').indexes();
      await eventually(async () => (await indexes()).some(({ name }) => name === `${key}_1`), { what: 'the index' });
      await untilHeld(running);
      assert.deepEqual(await left(), collections.slice(3));
    };
    aheadMs = 61_000;
    await changed(first, 'x');
    await first.stop();
    const { migrationId } = first.progress;
    await using second = start(pair, { migrationId });
    await untilHeld(second);
    await changed(second, 'y');
    await shop.collection('c3').insertOne({ anew: true });
    const anew = () => pair.destination.client.db('a').collection('c3').findOne({ anew: true });
    await eventually(anew, { what: 'the copy of what is there again' });
    await untilHeld(second);
    second.steering.confirmDrops(Date.now());
    await second.commit();
    await expectIdentical(pair);
  });

  // id: unconfirmed-drops-forgotten
  test('are forgotten when the collections exist again, which are then copied again', async () => {
    await using pair = await startFilled();
    await using running = start(pair);
    await running.untilReady();
    await dropMost(pair);
    await untilHeld(running);
    for (const name of NAMES.slice(0, 4)) await fill(pair, name);
    await running.commit();
    assert.deepEqual(running.progress.waiting, []);
    await expectIdentical(pair);
  });

  // id: not-held-when-place-is-needed
  test('are not held when another collection needs the place on the destination', async () => {
    await using pair = await startPair();
    await fill(pair, 'a.one');
    await using running = start(pair);
    await running.untilReady();
    const shop = pair.source.client.db('a');
    using comparison = holdAt('engine.catalog.comparison-begun');
    using lane = holdAt('engine.apply.batch-taken', { times: 1 });
    await shop.collection('one').updateOne({}, { $set: { late: true } });
    await lane.reached;
    // The lane's read finds the new name before the stream shows the rename.
    await shop.collection('one').rename('old');
    lane.release();
    const late = () => pair.destination.client.db('a').collection('one').findOne({ late: true });
    await eventually(late, { what: 'the change' });
    await comparison.reached;
    await shop.collection('old').drop();
    await fill(pair, 'a.one');
    comparison.release();
    await running.commit();
    await expectIdentical(pair);
  });

  test('do not keep a migration from being cancelled', async () => {
    await using pair = await startFilled();
    await using running = start(pair);
    await running.untilReady();
    await dropMost(pair);
    await untilHeld(running);
    await running.steering.cancel(true);
    assert.equal(await running.outcome, 'CANCELLED');
    assert.deepEqual(await namesOn(pair.destination.client), []);
  });

  const failWithoutOperator = async (verification: 'REPAIR' | 'OFF') => {
    await using pair = await startFilled();
    await using first = start(pair, { verification });
    await first.untilReady();
    await first.stop();
    await dropMost(pair);
    const { migrationId } = first.progress;
    await using running = start(pair, { migrationId, once: true, verification });
    const ended = running.until('the end', () => false);
    await assert.rejects(ended, { code: 'DROPS_UNCONFIRMED', message: /dropped 4 of the 5 collections/ });
    assert.deepEqual(await namesOn(pair.destination.client), [...NAMES].sort(), 'nothing was dropped');
  };

  test('fail a migration without an operator, with an error that names the remedy', () =>
    failWithoutOperator('REPAIR'));

  test('fail a migration without an operator, also when nothing is compared', () => failWithoutOperator('OFF'));

  test('are held when most documents are in one dropped collection', async () => {
    await using pair = await startFilled();
    await using running = start(pair);
    await running.untilReady();
    const large = numbered(200);
    await pair.source.client.db('c').collection('five').insertMany(large);
    await running.until('the documents', ({ changes }) => changes.applied >= 200);
    await pair.source.client.db('c').collection('five').drop();
    await untilHeld(running);
    running.steering.confirmDrops(Date.now());
    await untilFollowed(pair);
  });

  // id: held-when-others-lost-documents
  test('are held when the other collections have lost most of their documents since they were copied', async () => {
    await using pair = await startFilled();
    await using running = start(pair);
    await running.untilReady();
    for (const name of NAMES.slice(0, 4)) {
      const [database, collection] = name.split('.') as [string, string];
      await pair.source.client
        .db(database)
        .collection(collection)
        .deleteMany({ n: { $gt: 0 } });
    }
    await running.until('the deletes', ({ changes }) => changes.applied >= 4 * (DOCUMENTS - 1));
    await pair.source.client.db('c').collection('five').drop();
    await untilHeld(running);
    const { reason } = running.progress.waiting.find((wait) => wait.for === 'a confirmation of drops') ?? {};
    assert.match(reason ?? '', /dropped 1 of the 5 collections and 20 of the 24 documents/);
    running.steering.confirmDrops(Date.now());
    await untilFollowed(pair);
  });

  test('are not held when collections are renamed, created again, or written by $out', async () => {
    await using pair = await startFilled();
    await using running = start(pair);
    await running.untilReady();
    const { client } = pair.source;
    for (const name of ['a.one', 'b.three']) {
      const [database, collection] = name.split('.') as [string, string];
      const written = client.db(database).collection(collection);
      await written.aggregate([{ $out: collection }]).toArray();
    }
    await client.db('a').renameCollection('two', 'renamed');
    await client.db('b').collection('four').drop();
    await client.db('b').collection('four').insertOne({ anew: true });
    await client.db('c').createCollection('other');
    await client.db('c').renameCollection('other', 'five', { dropTarget: true });
    await running.commit();
    await expectIdentical(pair);
  });

  test('are followed when they take at most half of a migration', async () => {
    await using pair = await startFilled();
    await using running = start(pair);
    await running.untilReady();
    await pair.source.client.db('a').dropDatabase();
    await running.until('the drop', ({ copy }) => copy.collectionsTotal === 3);
    await running.commit();
    await expectIdentical(pair);
  });
});

async function fill({ source }: ReplicaSetPair, name: string): Promise<void> {
  const [database, collection] = name.split('.') as [string, string];
  const documents = numbered(DOCUMENTS);
  await source.client.db(database).collection(collection).insertMany(documents);
}

async function namesOn(client: MongoClient): Promise<string[]> {
  const names: string[] = [];
  for (const database of ['a', 'b', 'c'])
    for (const { name } of await client.db(database).listCollections().toArray()) names.push(`${database}.${name}`);
  return names.sort();
}
