import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { BSON, type Document, Int32, Long } from 'mongodb';
import { keyOf, laneHash } from '../../../src/engine/bson/document-key.ts';
import { newId, onFailpoint, systemClock } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSet, type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { emptyPair, identified, numbered } from '../../support/seeds.ts';
import { allowWrites, needsSource } from '../../support/source-version.ts';
import { holdAt } from '../reach-points.ts';
import { RunningMigration, syncOnce } from '../running-migration.ts';

checkForLeaks({ sockets: false });

/** Rules that faults rarely test. Each test makes the one moment that breaks its rule. */
describe('rules', { skip: needsSource('6.0', 'half of the moments are in a cutover with a write block') }, () => {
  let pair: ReplicaSetPair;
  const shop = () => pair.source.client.db('shop');
  const records = (name: string) => pair.destination.client.db('linkspan_internal').collection(name);

  before(async () => {
    pair = await startPair();
  });
  after(async () => await pair[Symbol.asyncDispose]());
  beforeEach(async () => {
    await emptyPair(pair);
    await shop().collection<Item>('a').insertMany(items(1_000));
  });

  /** Runs a migration until the hooks of the test make it fail, then again to its end. */
  async function failThenFinish(
    options: Parameters<typeof RunningMigration.start>[1],
    inTheFirst: (running: RunningMigration) => Promise<void>,
  ): Promise<void> {
    const migrationId = newId();
    {
      await using first = RunningMigration.start(pair, { migrationId, ...options });
      await inTheFirst(first);
      await assert.rejects(first.outcome);
    }
    await syncOnce(pair, { migrationId });
    await expectIdentical(pair);
  }

  const failOnDestination = (namespace: string, failure: object, times: number) =>
    pair.destination.failCommand({
      mode: { times },
      data: { failCommands: ['insert'], namespace, appName: 'linkspan-destination', ...failure },
    });

  test('an unmet write concern is never taken for an acknowledgement', async () => {
    const unmet = { writeConcernError: { code: 100, errmsg: 'not enough members are left' } };
    await failOnDestination('shop.a', unmet, 1_000);
    await using running = RunningMigration.start(pair);
    await running.until('the wait, or the copy', ({ copy, warnings }) => {
      return copy.documentsCopied > 0 || warnings.some((text) => text.includes('not enough members'));
    });
    assert.equal(running.progress.copy.documentsCopied, 0);
    const [wait] = running.progress.waiting;
    assert.equal(wait?.for, 'the destination', 'the collection is not the cause');
    await pair.destination.clearFailPoints();
    await running.commit();
    await expectIdentical(pair);
  });

  test('a duplicate of another index is not taken for a document that is there already', async () => {
    await shop()
      .collection('a')
      .updateMany({ n: { $lt: 10 } }, { $set: { n: 0 } });
    using _ = onFailpoint('engine.copy.before-first-read', async () => {
      const { client } = pair.destination;
      if ((await client.db('shop').listCollections({ name: 'a' }).toArray()).length > 0)
        await client.db('shop').collection('a').createIndex({ n: 1 }, { unique: true });
    });
    await using running = RunningMigration.start(pair);
    await running.until('the refusal', ({ readyForCutover, waiting }) => readyForCutover || waiting.length > 0);
    const [refused] = running.progress.waiting;
    assert.equal(refused?.for, 'shop.a');
    assert.match(refused.reason, /E11000/);
  });

  test('every read uses read concern majority, every write majority and journal', async () => {
    const sets = [pair.source, pair.destination];
    for (const { client } of sets) await client.db('admin').command({ profile: 0, slowms: -1 });
    await pair.destination.client.db('shop').collection('in the way').insertOne({});
    await using running = RunningMigration.start(pair, { dropDestination: true });
    await running.untilReady();
    const concerns = await concernsOf(sets);
    await changeCatalog(running);
    await shop()
      .collection('a')
      .updateOne({ n: 1 }, { $set: { changed: true } });
    await shop().collection('a').deleteOne({ n: 2 });
    // Enough that some are written together, and few enough that the log keeps the earlier lines.
    await shop()
      .collection('a')
      .updateMany({ n: { $lt: 60 } }, { $set: { changedTogether: true } });
    await running.until('the changes', ({ changes }) => changes.applied >= 60);
    await running.commit();
    for (const { client } of sets) await client.db('admin').command({ profile: 0, slowms: 100 });
    for (const concern of await concernsOf(sets)) concerns.add(concern);
    const written = ['commit', 'write', ...CHANGES].map((name) => `${name} majority true`);
    assert.deepEqual([...concerns].sort(), [...written, 'find majority'].sort());
  });

  /** Makes every change of a catalog that a migration follows. Waits for each that the engine answers with a separate command. */
  async function changeCatalog(running: RunningMigration): Promise<void> {
    const there = (name: string) => pair.destination.client.db('shop').listCollections({ name }).toArray();
    const a = shop().collection('a');
    await a.createIndex({ n: 1 });
    await shop().createCollection('b');
    await running.until('the index', ({ indexes }) => indexes.built > 0);
    await eventually(async () => (await there('b')).length === 1, { what: 'a new collection' });
    await a.dropIndex('n_1');
    await shop().command({ collMod: 'a', validationLevel: 'moderate' });
    await shop().collection('b').rename('c');
    await eventually(async () => (await there('c')).length === 1, { what: 'its new name' });
    await shop().collection('c').drop();
    await eventually(async () => (await there('c')).length === 0, { what: 'its end' });
    await running.untilReady();
  }

  test('an unmet write concern of a change of the catalog is retried', async () => {
    await pair.destination.client.db('shop').collection('in the way').insertOne({});
    const fail = async () => {
      const data = {
        failCommands: CHANGES,
        appName: 'linkspan-destination',
        writeConcernError: { code: 100, errmsg: 'unmet' },
      };
      await pair.destination.failCommand({ mode: { times: 3 }, data });
    };
    await fail();
    await using running = RunningMigration.start(pair, { dropDestination: true });
    await running.untilReady();
    await fail();
    await changeCatalog(running);
    await running.commit();
    await expectIdentical(pair);
  });

  test('a batch that was not written is written by the next run', async () => {
    await failThenFinish({}, async (running) => {
      await running.untilReady();
      using _ = onFailpoint('engine.apply.batch-taken', () => {
        throw new Error('the engine ends here');
      });
      await shop().collection('a').insertOne({ late: true });
      await assert.rejects(running.outcome);
    });
  });

  /**
   * Makes changes that wait together in one lane, behind a first one that is being written.
   * @param count  of all changes
   */
  async function changeBehind(first: Document, count: number, change: () => Promise<void>): Promise<void> {
    await using running = RunningMigration.start(pair);
    await running.untilReady();
    using taken = holdAt('engine.apply.batch-taken');
    await shop().collection('a').insertOne(first);
    await taken.reached;
    await change();
    await running.until('the changes', ({ changes }) => changes.read === count);
    taken.release();
    await running.commit();
    await expectIdentical(pair);
  }

  test('the last of several states that wait together is the one that is written', async () => {
    const a = shop().collection<{ _id: number; version: number }>('a');
    await changeBehind({ _id: 1, version: 0 }, 4, async () => {
      for (const version of [1, 2, 3]) await a.replaceOne({ _id: 1 }, { version });
    });
  });

  test('a delete that waits behind the insert of an equal _id of another type does not delete what was inserted', async () => {
    const a = shop().collection<{ _id: unknown; text?: string }>('a');
    await a.insertOne({ _id: new Int32(1) });
    const neighbours = Array.from({ length: 200 }, (_, n) => n + 2).filter((n) => laneOf(n) === laneOf(1));
    // More than one batch.
    const large = neighbours.slice(1, 7).map((n) => ({ _id: new Int32(n), text: 'x'.repeat(1_000_000) }));
    await changeBehind({ _id: new Int32(neighbours[0] ?? 0) }, 11, async () => {
      await a.deleteOne({ _id: new Int32(1) });
      await a.insertMany(large);
      await a.insertOne({ _id: new Long(1) });
      await a.deleteOne({ _id: new Long(1) });
      await a.insertOne({ _id: new Int32(1), text: 'again' });
    });
  });

  /** Waits until a range is on record as copied. */
  async function untilRangeDone(): Promise<void> {
    const done = async () => (await records('partitions').countDocuments({ done: true })) > 0;
    await eventually(done, { what: 'a range that is copied' });
  }

  test('changes behind the copy are migrated', async () => {
    using copy = holdAt('engine.copy.batch-acknowledged', { after: 2 });
    await using running = RunningMigration.start(pair, { partitionBytes: 100_000 });
    await untilRangeDone();
    await changeAll();
    await running.until('the changes', ({ changes }) => changes.read >= 400);
    copy.release();
    await running.commit();
    await expectIdentical(pair);
  });

  async function changeAll(): Promise<void> {
    await shop()
      .collection('a')
      .deleteMany({ n: { $mod: [5, 0] } });
    await shop()
      .collection('a')
      .updateMany({ n: { $mod: [5, 1] } }, { $set: { changed: true } });
  }

  test('a key that did not reach the spool is noted by the next run', async () => {
    using copy = holdAt('engine.copy.batch-acknowledged', { after: 2 });
    await failThenFinish({ partitionBytes: 100_000 }, async (running) => {
      await untilRangeDone();
      await failOnDestination('linkspan_internal.spool', { errorCode: 13 }, 1);
      await changeAll();
      await running.until('the changes', ({ changes }) => changes.read >= 400).catch(() => undefined);
      copy.release();
    });
  });

  test('spooled keys are applied before the record says so', async () => {
    using copy = holdAt('engine.copy.batch-acknowledged', { after: 2 });
    await failThenFinish({ partitionBytes: 100_000 }, async (running) => {
      await untilRangeDone();
      await changeAll();
      await running.until('the changes', ({ changes }) => changes.read >= 400);
      using _drain = onFailpoint('engine.apply.batch-taken', async () => {
        // Leaves time in which a wrong record could say that the spool is drained.
        const live = async () => (await records('collections').countDocuments({ state: 'live' })) > 0;
        await eventually(live, { what: 'a live collection', deadlineMs: 1_000 }).catch(() => undefined);
        throw new Error('the engine ends here');
      });
      copy.release();
      await assert.rejects(running.outcome);
    });
  });

  test('a range counts as copied only up to what is acknowledged, in its order', async () => {
    const big = identified(40, { text: 'x'.repeat(1_000_000) });
    await shop().collection<{ _id: number }>('a').deleteMany({});
    await shop().collection<{ _id: number }>('a').insertMany(big);
    // The engine saves its progress as often as possible.
    let elapsedMs = 0;
    const clock = { ...systemClock, elapsed: () => (elapsedMs += 2_000) };
    // The first batch fails after later ones have succeeded.
    await failOnDestination('shop.a', { errorCode: 13, blockConnection: true, blockTimeMS: 1_500 }, 1);
    await failThenFinish({ clock }, async () => undefined);
  });

  test('the last write before the pause is migrated', async () => {
    await using running = RunningMigration.start(pair);
    await running.untilReady();
    let looking = Promise.resolve<unknown>(undefined);
    using _block = onFailpoint('engine.cutover.about-to-block', async () => {
      // From here until some time after the block, the engine doesn't read the stream.
      const record = () => records('migrations').findOne({ 'cutover.sourceBlockedAtMs': { $exists: true } });
      looking = eventually(record, { what: 'the block' }).then(async () => {
        const ended = () => records('migrations').findOne({ state: 'COMMITTED' });
        await eventually(ended, { what: 'an end without the write', deadlineMs: 1_000 }).catch(() => undefined);
      });
      await inDispatch;
      await shop().collection('a').insertMany(items(100));
    });
    const held = Promise.withResolvers<void>();
    const inDispatch = held.promise;
    using _dispatch = onFailpoint('engine.capture.batch-dispatched', async () => {
      held.resolve();
      await looking;
    });
    await running.commit();
    await expectIdentical(pair);
  });

  test('a block that an engine left behind is lifted by the next', async () => {
    using blocked = holdAt('engine.cutover.source-blocked');
    const migrationId = newId();
    await using first = RunningMigration.start(pair, { migrationId });
    await first.untilReady();
    first.steering.cutOver();
    await blocked.reached;
    await assert.rejects(shop().collection('a').insertOne({ n: -1 }), /blocked/i);
    await using second = RunningMigration.start(pair, { migrationId });
    await second.untilReady();
    await shop().collection('a').insertOne({ n: -1 });
    blocked.release();
    await assert.rejects(first.outcome, { code: 'TAKEN_OVER' });
  });

  test('an index that was made while the migration followed is unique after a kill past the point of no return, and the source stays blocked', async () => {
    using _ = onFailpoint('engine.cutover.committed', () => {
      throw new Error('the engine ends here');
    });
    const migrationId = newId();
    {
      await using first = RunningMigration.start(pair, { migrationId });
      await first.untilReady();
      await shop().collection('a').createIndex({ n: 1 }, { unique: true });
      await first.until('the index', ({ indexes }) => indexes.built > 0);
      await first.untilReady();
      first.steering.cutOver();
      await assert.rejects(first.outcome);
    }
    _[Symbol.dispose]();
    await using second = RunningMigration.start(pair, { migrationId });
    assert.equal(await second.outcome, 'COMMITTED');
    await assert.rejects(shop().collection('a').insertOne({ n: -1 }), /blocked/i);
    await allowWrites(pair.source.client);
    await expectIdentical(pair);
  });
});

/** Commands that change a catalog. `setUserWriteBlockMode` takes no write concern. */
const CHANGES = ['create', 'drop', 'renameCollection', 'collMod', 'createIndexes', 'dropIndexes', 'dropDatabase'];

/** The read and write concerns of an engine's commands, as the servers' logs show them. */
async function concernsOf(sets: readonly ReplicaSet[]): Promise<Set<string>> {
  const concerns = new Set<string>();
  for (const { client } of sets) {
    const { log } = await client.db('admin').command({ getLog: 'global' });
    for (const line of log as string[]) {
      const { appName, ns, command = {} } = JSON.parse(line).attr ?? {};
      if (!/^linkspan-/.test(appName) || !/^(shop|linkspan_internal|admin)(\.|$)/.test(ns)) continue;
      const { find, insert, update, delete: deleted, commitTransaction, autocommit, readConcern } = command;
      const written = `${command.writeConcern?.w} ${command.writeConcern?.j}`;
      // A transaction's reads count once the majority acknowledges its commit.
      // Before an engine has taken the migration, it reads the primary's current state (docs/adr/0017-own-records.md).
      const isPeek = find === 'migrations' && readConcern?.level === 'local';
      if (find !== undefined && autocommit === undefined && !isPeek) concerns.add(`find ${readConcern?.level}`);
      if (commitTransaction !== undefined) concerns.add(`commit ${written}`);
      if ((insert ?? update ?? deleted) !== undefined && autocommit === undefined) concerns.add(`write ${written}`);
      for (const name of CHANGES) if (name in command) concerns.add(`${name} ${written}`);
    }
  }
  return concerns;
}

/** Returns a value that is the same for all keys of one lane. */
function laneOf(id: number): number {
  return laneHash(keyOf(Buffer.from(BSON.serialize({ _id: new Int32(id) })))) % 8;
}

interface Item {
  readonly n: number;
}

function items(count: number): (Item & { readonly text: string })[] {
  return numbered(count, { text: 'x'.repeat(1_000) });
}
