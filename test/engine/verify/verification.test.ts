import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Double, Int32, Long, type MongoClient } from 'mongodb';
import { type Clock, newId, systemClock } from '../../../src/platform/index.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { expectHookReached, runLinkspan } from '../../support/linkspan-process.ts';
import { startPair } from '../../support/replica-set.ts';
import { emptyPair, identified, numbered } from '../../support/seeds.ts';
import { holdAt, onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks({ sockets: false });

/** These tests change the destination behind the migration's back. */
const planted = { expectsMismatches: true };

test('the verification of a migration', async (t) => {
  await using pair = await startPair();
  const source = pair.source.client.db('shop');
  const destination = pair.destination.client.db('shop');
  const refill = async (count = 500) => {
    await emptyPair(pair);
    await source.collection<{ _id: number }>('items').insertMany(identified(count, { a: 1, b: 2 }));
  };
  /** Runs the change before the collection is compared: its oplog entries are older than the first look. */
  const plantBefore = (change: () => Promise<unknown>) =>
    onceAt('engine.copy.indexed', async () => void (await change()));

  await t.test('finds what was wrong before it began, says how it differs, and repairs it', async () => {
    await refill();
    using _ = plantBefore(async () => {
      const items = destination.collection<{ _id: number }>('items');
      await items.updateOne({ _id: 1 }, { $set: { a: 7 } });
      await items.replaceOne({ _id: 2 }, { b: 2, a: 1 });
      await items.replaceOne({ _id: 3 }, { a: Long.fromNumber(1), b: 2 });
      await items.deleteOne({ _id: 4 });
      await items.insertOne({ _id: 1_000 });
      await items.deleteOne({ _id: 5 });
      await items.insertOne({ _id: new Double(5) as unknown as number, a: new Int32(1), b: 2 } as never);
    });
    await using running = RunningMigration.start(pair, planted);
    await running.untilReady();
    const { verification } = running.progress;
    const found = verification.mismatches.latest.map(({ key, class: kind, path }) => [key, kind, path]);
    assert.deepEqual(found.toSorted(), [
      ['1', 'different', 'a'],
      ['1000', 'extra', null],
      ['2', 'field order', 'a'],
      ['3', 'different', 'a'],
      ['4', 'missing', null],
      ['5', 'different', '_id'],
    ]);
    assert.equal(verification.mismatches.open, 0);
    assert.equal(verification.documentsCompared, 500);
    assert.equal(verification.phase, 'following');
    await running.commit();
    await expectIdentical(pair);
  });

  await t.test('finds what others write on the destination while it follows, and repairs it', async () => {
    await refill();
    await using running = RunningMigration.start(pair, planted);
    await running.untilReady();
    await destination.collection<{ _id: number }>('items').updateOne({ _id: 9 }, { $set: { a: 'foreign' } });
    await running.until('the foreign write to be repaired', ({ verification }) => {
      const { found, open } = verification.mismatches;
      return found === 1 && open === 0;
    });
    const [mismatch] = running.progress.verification.mismatches.latest;
    assert.equal(mismatch?.foreign, true);
    assert.match(running.progress.warnings.join('\n'), /Somebody else wrote 1 document to the destination/);
    await running.commit();
    await expectIdentical(pair);
  });

  await t.test('does not let a cutover pass a document that somebody writes in the write pause', async () => {
    await refill();
    await using running = RunningMigration.start(pair, planted);
    using written = onceAt('engine.cutover.drained', async () => {
      await destination.collection<{ _id: number }>('items').updateOne({ _id: 9 }, { $set: { a: 'foreign' } });
    });
    await running.commit();
    assert.ok(written.result !== undefined);
    assert.equal(running.progress.verification.mismatches.found, 1);
    await expectIdentical(pair);
  });

  await t.test('that only reports refuses the cutover while a document differs', async () => {
    await refill();
    using _ = plantBefore(() => destination.collection<{ _id: number }>('items').deleteOne({ _id: 4 }));
    await using running = RunningMigration.start(pair, { ...planted, verification: 'report' });
    const isDone = ({ verification }: typeof running.progress) => verification.mismatches.open === 1;
    await running.until('the mismatch', isDone);
    await running.until('the comparison to end', ({ verification }) => verification.phase === 'following');
    assert.deepEqual(running.progress.notReadyReasons, ['source and destination differ in 1 document']);
    await destination.collection<{ _id: number }>('items').insertOne({ _id: 4, a: 1, b: 2 } as never);
    await running.commit();
    await expectIdentical(pair);
  });

  await t.test('finds an index that the destination lacks, and refuses the cutover until it is there', async () => {
    await refill();
    await source.collection('items').createIndex({ a: 1 });
    await using running = RunningMigration.start(pair, planted);
    await running.untilReady();
    await destination.collection('items').dropIndex('a_1');
    running.migration.want('cutover');
    const isRefused = ({ notReadyReasons }: typeof running.progress) =>
      /index missing a_1/.test(notReadyReasons.join());
    await running.until('the missing index to be found', isRefused);
    await destination.collection('items').createIndex({ a: 1 });
    assert.equal(await running.outcome, 'committed');
    await expectIdentical(pair);
  });

  await t.test('stops the migration with the evidence when a document keeps coming back', async () => {
    await refill();
    await using running = RunningMigration.start(pair, planted);
    await running.untilReady();
    const items = destination.collection<{ _id: number }>('items');
    const ended = running.outcome.then(
      () => undefined,
      (error: unknown) => error as Error & { readonly code: string },
    );
    for (let n = 1; n <= 4; n += 1) {
      await items.updateOne({ _id: 9 }, { $set: { a: `foreign ${n}` } });
      if (n === 4) break;
      const isRepaired = ({ verification }: typeof running.progress) => {
        const [latest] = verification.mismatches.latest;
        return latest?.times === n && !latest.open;
      };
      await running.until(`repair ${n}`, isRepaired);
    }
    const error = await ended;
    assert.equal(error?.code, 'VERIFICATION_FAILED');
    assert.match(error?.message ?? '', /shop\.items _id 9: different at `a`, written by somebody else/);
  });

  await t.test('continues where a killed engine stood', async () => {
    await refill(3_000);
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
    assert.equal(second.progress.verification.documentsCompared, 3_000);
    await second.commit();
    await expectIdentical(pair);
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
    const { documents } = (await records.findOne()) ?? {};
    assert.ok(documents > 0 && documents < 1_000, String(documents));
    const before = await documentsReturned(pair.source.client);
    await using second = RunningMigration.start(pair, { migrationId });
    await second.untilReady();
    assert.equal(second.progress.verification.documentsCompared, 1_000);
    assert.ok((await documentsReturned(pair.source.client)) - before < 1_000);
  });

  await t.test('compares a collection anew that was dropped and made again, also after a kill in between', async () => {
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
  });

  await t.test('finds the same when it is killed at any of its steps', async () => {
    for (const point of KILLED_AT) {
      await refill(3_000);
      await source.collection('others').insertMany(numbered(2_000, { a: 1 }));
      const clusters = ['--cluster0', pair.source.uri, '--cluster1', pair.destination.uri];
      const arguments_ = ['sync', '--once', '--output', 'json', ...clusters];
      await using first = runLinkspan(arguments_, { hook: 'engine.copy.indexed=kill' });
      await expectHookReached(first);
      const items = destination.collection<{ _id: number }>('items');
      await items.updateOne({ _id: 7 }, { $set: { a: 'wrong' } }, { upsert: true });
      await items.insertOne({ _id: 100_000 });
      await using killed = runLinkspan(arguments_, { hook: `${point}=kill` });
      await expectHookReached(killed);
      await using last = runLinkspan(arguments_);
      assert.deepEqual(await last.exit, { code: 0, signal: null }, last.stderr);
      await expectIdentical(pair);
      const mismatches = await pair.destination.client
        .db('linkspan_internal')
        .collection('mismatches')
        .find()
        .toArray();
      assert.deepEqual(
        mismatches.map(({ key, open }) => [key, open]).toSorted(),
        [
          ['100000', false],
          ['7', false],
        ],
        point,
      );
    }
  });
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
