import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Document, MongoClient, WithId } from 'mongodb';
import { type Clock, newId, onFailpoint, systemClock } from '../../../src/platform/index.ts';
import { migrationIdOf } from '../../../src/sync/clusters.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { expectHookReached, runLinkspan } from '../../support/linkspan-process.ts';
import { startPair } from '../../support/replica-set.ts';
import { emptyPair, identified, numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { holdAt, onceAt } from '../reach-points.ts';
import { RunningMigration, syncOnce } from '../running-migration.ts';

checkForLeaks({ sockets: false });

test('the verification of a migration whose engine is stopped or killed', async (t) => {
  await using pair = await startPair();
  const source = pair.source.client.db('shop');
  const destination = pair.destination.client.db('shop');
  const refill = async (count = 500) => {
    await emptyPair(pair);
    await source.collection<{ _id: number }>('items').insertMany(identified(count, { a: 1, b: 2 }));
  };

  // id: continues-after-kill
  await t.test('continues where a killed engine stood', async () => {
    await refill();
    const migrationId = newId();
    await using first = RunningMigration.start(pair, { migrationId });
    await first.untilReady();
    await first.stop();
    await using second = RunningMigration.start(pair, { migrationId });
    let compared = 0;
    using _ = onceAt('engine.verify.range-compared', async () => {
      compared += 1;
    });
    await second.untilReady();
    assert.equal(compared, 0);
    assert.equal(second.progress.verification.documentsCompared, 500);
    await second.commit();
    await expectIdentical(pair);
  });

  await t.test('finds what others wrote on the destination while no engine ran', async () => {
    await refill();
    const migrationId = newId();
    await using first = RunningMigration.start(pair, { migrationId });
    await first.untilReady();
    await first.stop();
    await destination.collection<{ _id: number }>('items').updateOne({ _id: 9 }, { $set: { a: 'external' } });
    await using second = RunningMigration.start(pair, { migrationId, expectsMismatches: true });
    await second.commit();
    assert.equal(second.progress.verification.mismatches.found, 1);
    await expectIdentical(pair);
  });

  await t.test('finds many external writes from before a stop, in what it had compared by then', async () => {
    await refill(1_100);
    const migrationId = newId();
    await using first = RunningMigration.start(pair, { migrationId, expectsMismatches: true });
    using comparing = holdAt('engine.verify.range-done');
    await comparing.reached;
    // More than a look keeps apart.
    await destination.collection('items').updateMany({}, { $set: { a: 'external' } });
    let looks = 0;
    using _ = onFailpoint('engine.verify.destination-oplog-read', () => {
      looks += 1;
    });
    await eventually(() => looks >= 3, { what: 'looks at the destination' });
    const stopped = first.stop();
    comparing.release();
    await stopped;
    await using second = RunningMigration.start(pair, { migrationId, expectsMismatches: true });
    await second.commit();
    await expectIdentical(pair);
  });

  await t.test('compares everything anew after a run that compared nothing', async () => {
    await refill(100);
    const migrationId = newId();
    for (const verification of ['REPAIR', 'OFF'] as const) {
      await using running = RunningMigration.start(pair, { migrationId, verification });
      await running.untilReady();
      await running.stop();
    }
    await using last = RunningMigration.start(pair, { migrationId });
    let compared = 0;
    using _ = onFailpoint('engine.verify.range-compared', () => {
      compared += 1;
    });
    await last.untilReady();
    assert.ok(compared > 0);
  });

  await t.test('continues a collection at the last key on record', async () => {
    await emptyPair(pair);
    await source.collection('items').insertMany(numbered(1_000, { text: 'x'.repeat(20_000) }));
    const migrationId = newId();
    await using first = RunningMigration.start(pair, { migrationId, clock: fast });
    using saved = holdAt('engine.verify.range-position-saved');
    await saved.reached;
    const stopped = first.stop();
    saved.release();
    await stopped;
    const records = pair.destination.client.db('linkspan_internal').collection('verifications');
    const { documents } = (await records.findOne()) as WithId<Document>;
    assert.ok(documents > 0 && documents < 1_000, String(documents));
    const before = await documentsReturned(pair.source.client);
    await using second = RunningMigration.start(pair, { migrationId });
    await second.untilReady();
    assert.equal(second.progress.verification.documentsCompared, 1_000);
    assert.ok((await documentsReturned(pair.source.client)) - before < 1_000);
  });

  const skip = needsSource('6.0', 'the catalog has to stand still');
  await t.test(
    'compares a collection anew that was dropped and made again, also after a kill in between',
    { skip },
    async () => {
      await refill(100);
      const migrationId = newId();
      await using first = RunningMigration.start(pair, { migrationId });
      await first.untilReady();
      using forgets = holdAt('engine.write.delete.verifications');
      await source.collection('items').drop();
      await source.collection('items').insertMany(numbered(40));
      await forgets.reached;
      const stopped = first.stop();
      forgets.release();
      await stopped;
      await using second = RunningMigration.start(pair, { migrationId });
      await second.untilReady();
      assert.equal(second.progress.verification.documentsCompared, 40);
      await second.commit();
      await expectIdentical(pair);
    },
  );

  const uris = { cluster0: pair.source.uri, cluster1: pair.destination.uri };
  const resumed = {
    // The one of `linkspan sync --once`.
    migrationId: migrationIdOf(uris, 'cluster0', 'cluster1', 'once 1'),
    once: true,
    expectsMismatches: true,
  };
  /** Copies, and stops before anything is compared. */
  const copy = async () => {
    using held = holdAt('engine.copy.indexed');
    await using first = RunningMigration.start(pair, resumed);
    await held.reached;
    const stopped = first.stop();
    held.release();
    await stopped;
  };
  const kill = async (point: string) => {
    const clusters = ['--cluster0', uris.cluster0, '--cluster1', uris.cluster1];
    await using killed = runLinkspan(['sync', '--once', '--output', 'json', ...clusters], { hook: `${point}=kill` });
    await expectHookReached(killed);
  };

  await t.test('counts a difference once, however often it is killed before the repair', async () => {
    await refill();
    await copy();
    await destination.collection<{ _id: number }>('items').updateOne({ _id: 7 }, { $set: { a: 'wrong' } });
    // A document that differs once more after three repairs ends the migration.
    for (let killed = 0; killed < 4; killed += 1) {
      await kill('engine.verify.mismatch-recorded');
    }
    await syncOnce(pair, resumed);
    await expectIdentical(pair);
    const mismatches = pair.destination.client.db('linkspan_internal').collection('mismatches');
    assert.equal((await mismatches.findOne())?.times, 1);
  });

  await t.test('finds the same when it is killed at any of its steps', async () => {
    for (const point of KILLED_AT) {
      await refill();
      await source.collection('others').insertMany(numbered(200, { a: 1 }));
      await copy();
      const items = destination.collection<{ _id: number }>('items');
      await items.updateOne({ _id: 7 }, { $set: { a: 'wrong' } }, { upsert: true });
      await items.insertOne({ _id: 100_000 });
      await kill(point);
      await syncOnce(pair, resumed);
      await expectIdentical(pair);
      const mismatches = await pair.destination.client
        .db('linkspan_internal')
        .collection('mismatches')
        .find()
        .toArray();
      assert.deepEqual(
        mismatches.map(({ key, open }) => [key, open]).toSorted(),
        [
          ['{"$numberInt":"100000"}', false],
          ['{"$numberInt":"7"}', false],
        ],
        point,
      );
    }
  });
});

test('a comparison that was stopped continues before a key whose difference is not settled', async () => {
  await using pair = await startPair();
  const items = identified(60, { text: 'x'.repeat(100_000) });
  await pair.source.client.db('shop').collection<{ _id: number }>('items').insertMany(items);
  const there = pair.destination.client.db('shop').collection<{ _id: number }>('items');
  const migrationId = newId();
  let looks = 0;
  using _ = onFailpoint('engine.verify.destination-oplog-read', () => {
    looks += 1;
  });
  const untilLooked = async (times: number) => {
    const from = looks;
    await eventually(() => looks >= from + times, { what: 'looks at the destination' });
  };
  // Before the position from which a successor looks at the destination: only a comparison finds it.
  using _planted = onceAt('engine.copy.collection-copied', async () => {
    await there.updateOne({ _id: 0 }, { $set: { text: 'external' } });
    await untilLooked(4);
  });
  using rechecked = holdAt('engine.verify.keys-compared');
  await using first = RunningMigration.start(pair, { migrationId, clock: fast, expectsMismatches: true });
  await rechecked.reached;
  // Time to save the position, which must not happen.
  await untilLooked(4);
  const stopped = first.stop();
  rechecked.release();
  await stopped;
  await using second = RunningMigration.start(pair, { migrationId, expectsMismatches: true });
  await second.commit();
  await expectIdentical(pair);
});

/** A clock by which everything takes long: what is saved now and then is saved each time. */
const fast: Clock = { ...systemClock, elapsed: () => performance.now() * 1_000 };

async function documentsReturned(client: MongoClient): Promise<number> {
  return Number((await client.db('admin').command({ serverStatus: 1 })).metrics.document.returned);
}

/** The steps of a verification that are on record, or whose repair is under way. */
const KILLED_AT = [
  'engine.write.update.verifications',
  'engine.write.update.mismatches',
  'engine.verify.mismatch-recorded',
  'engine.verify.range-compared',
  'engine.verify.range-done',
  'engine.verify.keys-compared',
  'engine.verify.catalogs-compared',
];
