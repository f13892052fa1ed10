import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Db, type Document, Long } from 'mongodb';
import { type Clock, newId, onFailpoint, systemClock } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { expectHookReached, runLinkspan } from '../../support/linkspan-process.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { OPLOG_MEGABYTES, rollOplog, smallOplog, writeNotes } from '../../support/roll-oplog.ts';
import { emptyPair, numbered } from '../../support/seeds.ts';
import { allowWrites, needsSource } from '../../support/source-version.ts';
import { hurried } from '../fixed-catalog-shop.ts';
import { holdAt, onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks({ sockets: false });

test('an oplog that goes round', async (t) => {
  await using pair = await startPair({ source: smallOplog });
  const db = pair.source.client.db('shop');
  const refill = async () => {
    await emptyPair(pair);
    await fill(db);
  };

  // id: oplog-overrun-in-copy
  await t.test('several times during the copy needs no repair, for the copy need not fit into it', async () => {
    await refill();
    let searches = 0;
    using _searches = onFailpoint('engine.capture.unstreamed-writes-recorded', () => {
      searches += 1;
    });
    const goRound = async () => {
      for (let round = 0; round < 3; round += 1) {
        await rollOplog(pair.source, async () => {
          const { read } = running.progress.changes;
          const before = searches;
          await db.collection('items').updateMany({ n: { $lt: 20 } }, { $inc: { changed: 1 } });
          await running.until('the changes to be read', ({ changes }) => changes.read >= read + 20);
          await eventually(() => searches > before, { what: 'a search for unstreamed writes' });
        });
      }
    };
    using _ = onceAt('engine.copy.batch-acknowledged', goRound);
    await using running = RunningMigration.start(pair, filtered);
    await running.untilReady();
    assert.ok(running.progress.changes.duringCopy > 0);
    assert.equal(running.progress.repairs, null);
    await running.commit();
    await assertIdentical(pair);
  });

  // id: alarms-before-loss
  await t.test(
    'alarms before anything is lost, while paused, too, and no longer when changes are taken again',
    async () => {
      await refill();
      await using running = RunningMigration.start(pair, { ...filtered, clock: hurried });
      await running.untilReady();
      running.steering.pause();
      await running.until('the pause', ({ state }) => state === 'PAUSED');
      const isAlarm = (warning: string) => /Less than 50 % of the source's oplog is left since/.test(warning);
      let written = 0;
      for (; !running.progress.warnings.some(isAlarm); written += OPLOG_MEGABYTES / 20) {
        await writeNotes(pair.source, OPLOG_MEGABYTES / 20);
        const before = running.progress.oplog;
        await running.until('a look at the oplog', ({ oplog }) => oplog !== before);
      }
      assert.ok(written >= OPLOG_MEGABYTES * 0.4 && (running.progress.oplog?.headroomPercent ?? 100) < 50);
      running.steering.resume();
      await running.until('the end of the alarm', ({ warnings }) => !warnings.some(isAlarm));
      assert.equal(running.progress.repairs, null);
    },
  );

  // id: missed-while-down
  await t.test('while the engine is down: what was missed is repaired, and nothing else is written', async () => {
    await refill();
    const options = { ...filtered, migrationId: newId() };
    await using first = RunningMigration.start(pair, options);
    await first.untilReady();
    await first.stop();
    const { applied } = first.progress.changes;
    const { differing, compared } = await changeEverything(db);
    await rollOplog(pair.source);

    await using second = RunningMigration.start(pair, options);
    using held = holdAt('engine.verify.chunk-compared');
    await second.until('nothing but the repair to be left', ({ copy, indexes, lagSeconds }) => {
      return copy.collectionsDone === copy.collectionsTotal && indexes.built === indexes.total && lagSeconds === 0;
    });
    await held.reached;
    // Between two pauses the engine looks at what there is to do.
    for (let pauses = 0; pauses < 2; pauses += 1) {
      second.steering.pause();
      await second.until('the pause', ({ state }) => state === 'PAUSED');
      second.steering.resume();
      await second.until('the end of the pause', ({ state }) => state !== 'PAUSED');
    }
    const phase = second.progress.phases.at(-1)?.name;
    held.release();
    await second.untilReady();
    assert.equal(phase, 'COPYING', 'it is not said to catch up, let alone to be ready, before the repair is done');
    const { repairs, changes } = second.progress;
    assert.equal(repairs?.declared, 1);
    assert.equal(repairs.collectionsDone, repairs.collections);
    assert.equal(repairs.documentsCompared, compared);
    assert.equal(repairs.keysDiffered, differing);
    assert.equal(changes.applied - applied, differing);
    await second.stop();

    await db.collection('items').updateMany({ n: { $lt: 3 } }, { $inc: { n: 1 } });
    await rollOplog(pair.source);
    const saved = Promise.withResolvers<void>();
    using __ = onFailpoint('engine.verify.position-saved', () => {
      if ((third.progress.repairs?.documentsCompared ?? 0) > compared + FIRST_CHUNK) saved.resolve();
    });
    await using third = RunningMigration.start(pair, { ...options, clock: fast });
    await saved.promise;
    await third.stop();
    const until = third.progress.repairs?.documentsCompared ?? 0;
    await using fourth = RunningMigration.start(pair, options);
    await fourth.untilReady();
    const again = (fourth.progress.repairs?.documentsCompared ?? 0) - until;
    assert.ok(again < compared, `the repair continued where it was stopped, and compared ${again} of ${compared}`);
    assert.equal(fourth.progress.repairs?.declared, 2);
    await fourth.commit();
    assert.ok(fourth.progress.copy.restarts > 0, 'the capped collection was copied anew, which is declared');
    await assertIdentical(pair);
    const [left, right] = await Promise.all([pair.source, pair.destination].map((set) => order(set.client.db('shop'))));
    assert.deepEqual(right, left, 'the order of the capped collection');
  });

  await t.test('while a copy begins that reads before the new position', async () => {
    await refill();
    // More collections than are copied at a time.
    const names = Array.from({ length: 9 }, (_, n) => `small${n}`);
    for (const name of names) await db.collection(name).insertOne({ name });
    const stream = { failCommands: ['getMore'], namespace: 'admin.$cmd.aggregate', appName: 'linkspan-source' };
    const lost = Promise.withResolvers<void>();
    let failing: Promise<void> | undefined;
    let copied = 0;
    using _ = onFailpoint('engine.copy.batch-acknowledged', async () => {
      failing ??= pair.source.failCommand({ mode: { times: 1 }, data: { ...stream, errorCode: 286 } });
      await failing;
      await lost.promise;
    });
    using __ = onFailpoint('engine.copy.collection-copied', () => {
      copied += 1;
    });
    using ___ = onFailpoint('engine.capture.loss-declared', async () => {
      lost.resolve();
      await running.until('the copies', ({ copy }) => copied >= copy.collectionsTotal);
      for (const name of names) await db.collection(name).updateMany({}, { $set: { late: true } });
    });
    await using running = RunningMigration.start(pair, filtered);
    await running.commit();
    await assertIdentical(pair);
  });

  await t.test('and once more while an engine begins that has changes of a copy left to apply', async () => {
    await refill();
    const options = { ...filtered, migrationId: newId() };
    const change = () => db.collection('items').updateMany({ n: { $lt: 20 } }, { $inc: { changed: 1 } });
    using _copied = onceAt('engine.copy.batch-acknowledged', () =>
      change().then(() => first.until('changes in the copy', ({ changes }) => changes.duringCopy >= 20)),
    );
    using held = holdAt('engine.copy.indexed');
    await using first = RunningMigration.start(pair, options);
    await first.until('the copy', ({ copy }) => copy.documentsCopied >= 1_600);
    const stopped = first.stop();
    held.release();
    await stopped;
    const { applied } = first.progress.changes;
    await rollOplog(pair.source);

    const opening = { failCommands: ['aggregate'], namespace: 'admin.$cmd.aggregate', appName: 'linkspan-source' };
    let declared = 0;
    using _anew = onFailpoint('engine.capture.position-fixed-anew', async () => {
      if (declared === 1) await pair.source.failCommand({ mode: { times: 1 }, data: { ...opening, errorCode: 286 } });
    });
    using _lost = onFailpoint('engine.capture.loss-declared', async () => {
      declared += 1;
      if (declared === 2)
        await second.until('the changes', ({ changes }) => changes.queued > 0 || changes.applied > applied);
    });
    await using second = RunningMigration.start(pair, options);
    await second.commit();
    assert.equal(declared, 2);
    await assertIdentical(pair);
  });

  await t.test('under an engine that is killed again and again while it repairs', async () => {
    await refill();
    const clusters = ['--cluster0', pair.source.uri, '--cluster1', pair.destination.uri];
    const arguments_ = ['sync', '--once', '--no-verify', ...clusters];
    const kill = async (hook: string) => {
      await using killed = runLinkspan(arguments_, { hook: `${hook}=kill` });
      await expectHookReached(killed);
    };
    await kill('engine.copy.drained@4');
    await changeEverything(db);
    await rollOplog(pair.source);
    await kill('engine.write.update.suspects');
    await kill('engine.capture.loss-declared');
    await kill('engine.capture.position-fixed-anew');
    await kill('engine.verify.chunk-compared');
    await using last = runLinkspan(arguments_);
    assert.deepEqual(await last.exit, { code: 0, signal: null }, last.stderr);
    await assertIdentical(pair, false);
    const [record] = await pair.destination.client.db('linkspan_internal').collection('migrations').find().toArray();
    assert.equal(record?.repairs.declared, 2, 'once its new position was on record, the loss was not declared again');
  });
});

/** Whether the source's catalog has to stand still, and knows fewer kinds of collections. */
const isFixed = needsSource('6.0', 'its catalog has to stand still') !== false;

/** More documents than all collections but `items` have, and fewer than its first chunk. */
const FIRST_CHUNK = 900;

/** A clock by which everything takes long: what is saved now and then is saved each time. */
const fast: Clock = { ...systemClock, elapsed: () => performance.now() * 1_000 };

const filtered = { documentFilters: [{ database: 'shop', collection: 'selected', filter: { kept: true } }] };

async function assertIdentical({ source, destination }: ReplicaSetPair, isFiltered = true): Promise<void> {
  await allowWrites(source.client);
  const selects = (namespace: string, { kept }: Document) =>
    !isFiltered || namespace !== 'shop.selected' || kept === true;
  await expectIdentical({ source, destination }, { selects });
}

async function fill(db: Db): Promise<void> {
  const documents = (count: number) => numbered(count, { text: 'x'.repeat(4_000) });
  await db.collection('items').insertMany(documents(1_500));
  await db.collection('untouched').insertMany(documents(100));
  await db.collection('selected').insertMany(documents(100).map((one) => ({ ...one, kept: one.n % 2 === 0 })));
  await db.collection('ids').insertMany([1, 2, 3, '1', '2', true].map((_id) => ({ _id, n: 0 })) as object[]);
  const collation = { locale: 'en', strength: 2 };
  await db.createCollection('collated', { collation });
  await db.collection('collated').insertMany(['a', 'b', 'c'].map((_id) => ({ _id, n: 0 })) as object[]);
  await db.createCollection('log', { capped: true, size: 1_000_000, max: 100 });
  await db.collection('log').insertMany(documents(80));
  if (isFixed) return;
  for (const name of ['gone', 'old', 'recreated']) await db.collection(name).insertMany(documents(10));
  await db.createCollection('clustered', { clusteredIndex: { key: { _id: 1 }, unique: true } });
  await db.collection('clustered').insertMany(documents(50));
  await db.createCollection('weather', { timeseries: { timeField: 'at', metaField: 'place' } });
  await measure(db, 0, 100);
}

/** @returns how many keys differ then, and how many documents of the source are to be compared */
async function changeEverything(db: Db): Promise<{ differing: number; compared: number }> {
  const items = db.collection('items');
  await items.updateMany({ n: { $lt: 7 } }, { $set: { n: -1 } });
  await items.deleteMany({ n: { $gte: 1_400 } });
  await items.insertMany([{ n: 1 }, { n: 2 }, { n: 3 }]);
  await db.collection('selected').updateMany({ n: { $in: [0, 2, 4] } }, { $set: { kept: false } });
  await db.collection('selected').updateOne({ n: 1 }, { $set: { kept: true } });
  await db.collection<{ _id: number }>('ids').deleteOne({ _id: 1 });
  await db.collection<{ _id: Long }>('ids').insertOne({ _id: Long.fromNumber(1) });
  const collated = db.collection<{ _id: string }>('collated');
  await collated.deleteOne({ _id: 'a' });
  await collated.insertOne({ _id: 'A' });
  await db.collection('log').insertMany(Array.from({ length: 60 }, (_, n) => ({ later: n })));
  const documents = async (names: readonly string[]) => {
    const counts = await Promise.all(names.map((name) => db.collection(name).countDocuments()));
    return counts.reduce((sum, one) => sum + one, await db.collection('selected').countDocuments({ kept: true }));
  };
  // Counts `items`, `selected`, `ids` and `collated`; the capped collection is copied again.
  const differing = 7 + 100 + 3 + (3 + 1) + 1 + 2;
  const whole = ['items', 'untouched', 'ids', 'collated'];
  if (isFixed) return { differing, compared: await documents(whole) };

  await items.createIndex({ n: 1, text: 1 });
  await db.collection('clustered').deleteOne({ n: 0 });
  await measure(db, 100, 10);
  await db.collection('gone').drop();
  await db.collection('old').rename('new');
  await db.collection('recreated').drop();
  await db.collection('recreated').insertMany([{ again: true }]);
  await db.collection('added').insertOne({ n: 1 });
  return {
    // One of `clustered`, and a bucket for each of five places.
    differing: differing + 1 + 5,
    compared: await documents([...whole, 'new', 'clustered', 'system.buckets.weather']),
  };
}

async function measure(db: Db, from: number, count: number): Promise<void> {
  const documents = Array.from({ length: count }, (_, n) => ({
    at: new Date(1_700_000_000_000 + (from + n) * 1_000),
    place: `p${n % 5}`,
    n,
  }));
  await db.collection('weather').insertMany(documents);
}

async function order(db: Db): Promise<unknown[]> {
  const found = await db
    .collection('log')
    .find({}, { hint: { $natural: 1 } })
    .toArray();
  return found.map(({ n, later }) => [n, later]);
}
