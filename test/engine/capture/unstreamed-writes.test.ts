import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient, Timestamp } from 'mongodb';
import { newId, onFailpoint } from '../../../src/platform/index.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { emptyPair, identified } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { holdAt, onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

interface Item {
  readonly _id: number | string;
  readonly v?: number;
}

const DOCUMENTS = 100;

describe('writes that no change stream shows', () => {
  let pair: ReplicaSetPair;
  /** May do what only members of a set do. */
  let member: MongoClient;
  before(async () => {
    pair = await startPair({
      // Its root user bypasses the write block.
      source: { auth: true, setParameters: { maxNumberOfTransactionOperationsInSingleOplogEntry: 2 } },
    });
    await pair.source.createUser('member', 'secret', ['__system']);
    member = new MongoClient(pair.source.uriFor('member', 'secret'));
  });
  after(async () => {
    await member.close();
    await pair[Symbol.asyncDispose]();
  });
  checkForLeaks({ sockets: false });

  /** A new shop on the source, with these collections, and nothing of an earlier one. */
  const refill = async (...names: string[]) => {
    await emptyPair(pair);
    for (const name of names) await items(name).insertMany(numbered());
  };
  const items = (name: string, database = 'shop') => pair.source.client.db(database).collection<Item>(name);
  /** An insert, an update and a delete in one `applyOps`, which is one entry of the oplog. */
  const hide = async (ns: string, n = 0) => {
    const applyOps = [
      { op: 'i', ns, o: { _id: `hidden ${n}`, v: 1 } },
      { op: 'u', ns, o2: { _id: n }, o: { $v: 2, diff: { u: { v: 9 } } } },
      { op: 'd', ns, o: { _id: DOCUMENTS / 2 + n } },
    ];
    await pair.source.client.db('admin').command({ applyOps, writeConcern: { w: 'majority' } });
  };
  // id: applyops-migrated
  test('what applyOps writes is migrated: in the copy, while following, while paused, while the engine is down, and in the write pause', {
    skip: needsSource('6.0', 'its stream does not show changes of the catalog'),
  }, async () => {
    await refill('copied');
    const migrationId = newId();
    {
      using copied = onceAt('engine.copy.collection-copied', () => hide('shop.copied'));
      await using running = RunningMigration.start(pair, { migrationId });
      await running.untilReady();
      copied[Symbol.dispose]();
      for (const name of ['followed', 'paused', 'down', 'blocked']) await items(name).insertMany(numbered());
      await running.until('all collections', ({ copy }) => copy.collectionsDone === 5);
      await running.untilReady();
      const { changes, repairs } = running.progress;
      await hide('shop.followed');
      await running.until('the unstreamed writes', (now) => now.changes.read === changes.read + 3);
      const { declared } = running.progress.repairs ?? {};
      assert.equal(declared, repairs?.declared, 'documents whose keys are known are no loss of history');
      running.steering.pause();
      await running.until('the pause', ({ state }) => state === 'PAUSED');
      await hide('shop.paused');
      running.steering.resume();
      await running.untilReady();
      await running.stop();
    }
    await hide('shop.down');
    await using running = RunningMigration.start(pair, { migrationId });
    using _ = onFailpoint('engine.cutover.source-blocked', () => hide('shop.blocked'));
    await running.commit();
    await expectIdentical(pair);
  });

  test('a document that applyOps deletes between its read and its insert by the copy does not come back', async () => {
    await refill('items');
    using insert = holdAt('engine.write.insert.items', { times: 1 });
    await using running = RunningMigration.start(pair);
    await insert.reached;
    const taken = Promise.withResolvers<void>();
    using _ = onFailpoint('engine.capture.unstreamed-writes-recorded', () => {
      const { changes, repairs } = running.progress;
      if (changes.read > 0 || (repairs?.declared ?? 0) > 0) taken.resolve();
    });
    await hide('shop.items');
    await taken.promise;
    insert.release();
    await running.commit();
    await expectIdentical(pair);
  });

  test('a view that applyOps makes, and documents of a capped collection, are migrated', async (t) => {
    const reason = needsSource('6.0', 'the catalog has to stand still');
    if (reason) return t.skip(reason);
    await refill('items');
    const db = pair.source.client.db('shop');
    await db.createCollection('log', { capped: true, size: 100_000 });
    await items('log').insertMany(numbered());
    await db.createCollection('shown', { viewOn: 'items', pipeline: [] });
    await using running = RunningMigration.start(pair);
    await running.untilReady();
    const view = { _id: 'shop.hidden', viewOn: 'items', pipeline: [{ $match: { v: 1 } }] };
    const applyOps = [
      { op: 'i', ns: 'shop.system.views', o: view },
      { op: 'i', ns: 'shop.log', o: { _id: 'hidden' } },
    ];
    await member.db('admin').command({ applyOps, writeConcern: { w: 'majority' } });
    await running.commit();
    const order = async ({ client }: typeof pair.source) =>
      await client
        .db('shop')
        .collection('log')
        .find()
        .map(({ _id }) => _id)
        .toArray();
    assert.deepEqual(await order(pair.destination), await order(pair.source));
    await expectIdentical(pair);
  });

  test('transactions, prepared or in several entries, and namespaces that are not selected are not taken for unstreamed writes', async () => {
    await refill('items');
    await items('items', 'other').insertMany(numbered());
    await using running = RunningMigration.start(pair, { filters: { exclude: [{ database: 'other' }] } });
    await running.untilReady();
    const client = member;
    const selected = client.db('shop').collection<Item>('items');
    const session = client.startSession();
    session.startTransaction({ writeConcern: { w: 'majority' } });
    for (let n = 0; n < 7; n += 1) await selected.updateOne({ _id: n }, { $set: { v: 7 } }, { session });
    await session.commitTransaction();
    session.startTransaction();
    await selected.insertOne({ _id: 'prepared' }, { session });
    const inSession = { writeConcern: { w: 'majority' } } as const;
    const { prepareTimestamp } = await client.db('admin').command({ prepareTransaction: 1, ...inSession }, { session });
    const commit = { commitTransaction: 1, commitTimestamp: prepareTimestamp, ...inSession };
    await client.db('admin').command(commit, { session });
    await session.endSession();
    await hide('other.items');
    await running.commit();
    assert.equal(running.progress.repairs, null);
    const { destination } = pair;
    const read = async (from: typeof client) =>
      await from.db('shop').collection('items').find().sort({ _id: 1 }).toArray();
    assert.deepEqual(await read(destination.client), await read(client));
  });

  test('what applyOps writes right before a transaction is found', async () => {
    await refill('items');
    await using running = RunningMigration.start(pair);
    await running.untilReady();
    // The next search covers both.
    using search = holdAt('engine.capture.oplog-read', { times: 1 });
    await search.reached;
    await hide('shop.items');
    const selected = member.db('shop').collection<Item>('items');
    await member.withSession((session) =>
      session.withTransaction(async () => {
        for (let n = 0; n < 3; n += 1) await selected.updateOne({ _id: n }, { $set: { v: 7 } }, { session });
      }),
    );
    search.release();
    await running.commit();
    await expectIdentical(pair);
  });

  // id: search-reaches-stream-first
  test('nothing ends before the oplog is searched up to the position of the stream', async () => {
    await refill('items');
    let held: Promise<unknown> | undefined;
    // The verification would wait for the search, too.
    await using running = RunningMigration.start(pair, { once: true, verification: 'OFF' });
    using hidden = onceAt('engine.copy.collection-copied', () => hide('shop.items'));
    using __ = onFailpoint('engine.capture.oplog-read', async () => {
      if (hidden.result === undefined) return;
      // Long enough for a run that does not wait for the search to end.
      held ??= Promise.race([running.outcome.catch(() => undefined), sleep(2_000)]);
      await held;
    });
    assert.equal(await running.outcome, 'COMMITTED');
    await expectIdentical(pair);
  });

  test('a state from before a unstreamed write does not overwrite what was compared', async () => {
    await refill('items');
    await using running = RunningMigration.start(pair);
    await running.untilReady();
    using _ = onceAt('engine.apply.batch-taken', async () => {
      const ns = 'shop.items';
      const update = { op: 'u', ns, o2: { _id: 1 }, o: { $v: 2, diff: { u: { v: 0 } } } };
      // More than are read one by one.
      const inserts = Array.from({ length: 1_001 }, (_, n) => ({ op: 'i', ns, o: { _id: `many ${n}` } }));
      const applyOps = [update, ...inserts];
      await pair.source.client.db('admin').command({ applyOps, writeConcern: { w: 'majority' } });
      await running.until('the unstreamed write', ({ repairs }) => repairs !== null);
      // Long enough for a comparison that does not wait for the lanes.
      const compared = running.until('the end of the repair', ({ repairs }) => repairs?.collectionsDone === 1);
      await Promise.race([compared.catch(() => undefined), sleep(2_000)]);
    });
    await items('items').replaceOne({ _id: 1 }, { v: 5 });
    await running.commit();
    await expectIdentical(pair);
  });

  test('a source with unstreamed writes all the time is followed all the same', async () => {
    await refill('items');
    await using running = RunningMigration.start(pair);
    await running.untilReady();
    let hidden = 0;
    const again = async () => await hide('shop.items', hidden++ % 20);
    using _ = onFailpoint('engine.verify.chunk-compared', again);
    using __ = onFailpoint('engine.apply.batch-acknowledged', again);
    await again();
    await running.until('many of them', ({ changes, readyForCutover }) => changes.read > 60 && readyForCutover);
    _[Symbol.dispose]();
    __[Symbol.dispose]();
    await running.commit();
    await expectIdentical(pair);
  });

  test('the search is not on record as further before the documents that it found are written', async () => {
    await refill('items');
    await using running = RunningMigration.start(pair);
    await running.untilReady();
    let saves = Number.NEGATIVE_INFINITY;
    using held = holdAt('engine.apply.batch-taken');
    using __ = onFailpoint('engine.checkpoint.saved', () => {
      saves += 1;
    });
    const records = pair.destination.client.db('linkspan_internal').collection('migrations');
    const before = await pair.source.client.db('admin').command({ ping: 1 });
    const { read } = running.progress.changes;
    await hide('shop.items');
    await running.until('the unstreamed writes', ({ changes }) => changes.read === read + 3);
    saves = 0;
    await running.until('three checkpoints', () => saves >= 3);
    const record = await records.findOne();
    held.release();
    assert.ok(before.operationTime.greaterThanOrEqual(record?.watchedTo), String(record?.watchedTo));
    await running.commit();
    await expectIdentical(pair);
  });

  test('that come after the drain of a cutover are applied before the commit', {
    skip: needsSource('6.0', 'it has no write block'),
  }, async () => {
    await refill('items');
    await using running = RunningMigration.start(pair);
    await running.untilReady();
    let drained = 0;
    using _ = onFailpoint('engine.cutover.drained', async () => {
      drained += 1;
      if (drained === 1) await hide('shop.items');
    });
    await running.commit();
    assert.equal(drained, 2);
    await expectIdentical(pair);
  });

  test('a search that was behind the stream when the engine ended resumes where it was', async () => {
    await refill('first', 'second');
    const migrationId = newId();
    // The verification would find what the search has missed.
    const unverified = { migrationId, verification: 'OFF' } as const;
    {
      await using running = RunningMigration.start(pair, unverified);
      await running.untilReady();
      using held = holdAt('engine.capture.unstreamed-writes-recorded');
      const { read } = running.progress.changes;
      await hide('shop.first');
      await running.until('the unstreamed writes', ({ changes }) => changes.read === read + 3);
      await hide('shop.second');
      const { applied } = running.progress.changes;
      await items('first').insertOne({ _id: 'shown' });
      await running.until('a later change', ({ changes }) => changes.applied > applied && changes.queued === 0);
      const stopped = running.stop();
      held.release();
      await stopped;
    }
    await using running = RunningMigration.start(pair, unverified);
    await running.commit();
    await expectIdentical(pair);
  });

  test('an oplog that no longer reaches back to where the search was is a loss of history', async () => {
    await refill('items');
    const migrationId = newId();
    {
      await using running = RunningMigration.start(pair, { migrationId });
      await running.untilReady();
      await running.stop();
    }
    const records = pair.destination.client.db('linkspan_internal').collection('migrations');
    await records.updateOne({}, { $set: { watchedTo: new Timestamp({ t: 1, i: 1 }) } });
    await using running = RunningMigration.start(pair, { migrationId });
    await running.until('the loss', ({ repairs }) => /no longer reaches back/.test(repairs?.reason ?? ''));
    await running.commit();
    await expectIdentical(pair);
  });
});

function numbered(): Item[] {
  return identified(DOCUMENTS, { v: 0 });
}
