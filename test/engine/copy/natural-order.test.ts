import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { Collection, MongoClient } from 'mongodb';
import { idIndexBytes } from '../../../src/engine/catalog/read-catalog.ts';
import { type OrderSizes, orderOf } from '../../../src/engine/copy/read-order.ts';
import type { PartitionRecord } from '../../../src/engine/records/records.ts';
import { type Clock, newId, onFailpoint, systemClock } from '../../../src/platform/index.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { holdAt, onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks({ sockets: false });

/** More than the source's cache has room for, and six batches of the copy. */
const DOCUMENTS = 4_800;
const SMALL_CACHE_MIB = 16;
const FILLER = Buffer.alloc(5_000);
const MIB = 1024 * 1024;
/** Each batch is on record at once. */
const fast: Clock = { ...systemClock, elapsed: () => performance.now() * 1_000 };

interface Item {
  readonly _id: string;
  readonly n: number;
  readonly replaced?: number;
  readonly again?: number;
}

test('natural order is for random ids that the source cannot hold, and whose index the destination can', () => {
  const sizes: OrderSizes = {
    documents: 800 * MIB,
    idIndex: 40 * MIB,
    otherIdIndexes: 0,
    sourceCache: 256 * MIB,
    destinationCache: 2_048 * MIB,
  };
  const reasonOf = (changes: Partial<typeof sizes> = {}) => {
    const { order, reason } = orderOf({ ...sizes, ...changes });
    return `${order}: ${reason}`;
  };
  assert.match(
    reasonOf(),
    /^NATURAL: its _ids are random, .* 268 MB; its index on _id has 41\.9 MB, and the cache .* 2\.15 GB$/,
  );
  assert.match(reasonOf({ otherIdIndexes: 200 * MIB }), /^ID: its index .*, those of others under way have 210 MB, /);
  assert.match(reasonOf({ sourceCache: 1_024 * MIB }), /^ID: its documents fit into the cache of the source/);
  assert.match(reasonOf({ destinationCache: 256 * MIB }), /^ID: its index on _id has 41\.9 MB, .* has 268 MB$/);
  assert.match(reasonOf({ sourceCache: undefined }), /^ID: .* the source is unknown$/);
  assert.match(reasonOf({ destinationCache: undefined }), /^ID: .* the destination is unknown$/);
});

test('a scan in natural order', async (t) => {
  await using pair = await startPair();

  // id: natural-order-copy
  await t.test('a collection of random ids is copied in natural order, while it changes', async () => {
    const items = await fill(pair);
    let batches = 0;
    using _ = onFailpoint('engine.copy.batch-acknowledged', async () => {
      batches += 1;
      // The first number is of a document that is copied, the second one of a document that is not.
      for (const n of [batches, DOCUMENTS - batches]) {
        await items.deleteOne({ n });
        await items.updateOne({ n: n + 100 }, { $set: { changed: batches } });
        await items.replaceOne({ n: n + 200 }, { n: n + 200, replaced: batches });
        await items.insertOne({ _id: `new ${n}`, n: -n });
        await items.deleteOne({ n: n + 300 });
        await items.insertOne({ _id: idOf(n + 300), n: n + 300, again: batches });
      }
    });
    await using running = RunningMigration.start(pair, { once: true });
    assert.equal(await running.outcome, 'COMMITTED');
    const [partition, ...others] = await partitionsOf(pair);
    assert.deepEqual(others, []);
    assert.ok(partition?.natural, 'in natural order');
    assert.ok(batches >= 5);
    await expectIdentical(pair);
  });

  await t.test('collections together take no more of the cache of the destination than one may', async () => {
    await fill(pair);
    const source = pair.source.client.db('natural');
    await source
      .collection('items')
      .aggregate([{ $out: 'others' }])
      .toArray();
    await pair.source.client.db('admin').command({ fsync: 1 }); // A checkpoint changes the sizes.
    const sizeOf = (name: string) => idIndexBytes(pair.source.client, { database: 'natural', name });
    const [one, other] = [await sizeOf('items'), await sizeOf('others')];
    // Room for each of them, and not for both.
    const room = (Math.max(one, other) + one + other) / 2;
    await setCache(pair.destination.client, Math.round((room * 10) / MIB));
    using held = holdAt('engine.copy.batch-acknowledged');
    await using running = RunningMigration.start(pair, { once: true });
    const orders = () => (running.migration.current.collections() ?? []).map(({ readOrder }) => readOrder?.order);
    await running.until('both plans', () => orders().every((order) => order !== undefined) && orders().length === 2);
    assert.deepEqual(orders().toSorted(), ['ID', 'NATURAL']);
    held.release();
    assert.equal(await running.outcome, 'COMMITTED');
    await expectIdentical(pair);
  });

  await t.test('only a part of a collection is copied in the order of _id', async () => {
    await fill(pair);
    const documentFilters = [{ database: 'natural', collection: 'items', filter: { n: { $lt: 4_000 } } }];
    await using running = RunningMigration.start(pair, { once: true, documentFilters });
    assert.equal(await running.outcome, 'COMMITTED');
    const [shown] = running.migration.current.collections() ?? [];
    assert.deepEqual(shown?.readOrder, { order: 'ID', reason: 'only some of its documents are selected' });
    assert.equal(await pair.destination.client.db('natural').collection('items').countDocuments(), 4_000);
  });

  await t.test('a successor resumes the scan, and reports no less than before', async () => {
    await fill(pair);
    const migrationId = newId();
    const left = await copyPart(pair, migrationId);
    const sent = await insertsSent(pair);
    await using running = RunningMigration.start(pair, { migrationId, once: true });
    assert.equal(await running.outcome, 'COMMITTED');
    const [shown] = running.migration.current.collections() ?? [];
    assert.equal(shown?.readOrder?.order, 'NATURAL', 'progress shows the order that an earlier run has chosen');
    const [whole] = await partitionsOf(pair);
    assert.equal(whole?.natural?.election, left.natural.election);
    assert.equal(whole?.documents, DOCUMENTS);
    // The batches that were under way when the first run ended may be sent again.
    assert.ok((await insertsSent(pair)) - sent < DOCUMENTS * 0.8);
    assert.equal((await expectIdentical(pair)).documents, DOCUMENTS);
  });

  await t.test('after an election, the scan begins again and leaves out what the destination has', async () => {
    await fill(pair);
    const migrationId = newId();
    const left = await copyPart(pair, migrationId);
    await pair.source.stepDown();
    const sent = await insertsSent(pair);
    await using running = RunningMigration.start(pair, { migrationId, once: true });
    assert.equal(await running.outcome, 'COMMITTED');
    const [whole] = await partitionsOf(pair);
    assert.notEqual(whole?.natural?.election, left.natural.election);
    assert.equal(whole?.natural?.documents, DOCUMENTS);
    assert.equal(whole?.documents, DOCUMENTS, 'counts each document once');
    assert.ok((await insertsSent(pair)) - sent < DOCUMENTS * 0.8);
    assert.equal((await expectIdentical(pair)).documents, DOCUMENTS);
  });

  await t.test('an election while it copies leaves nothing out', async () => {
    await fill(pair);
    let batches = 0;
    using _ = onFailpoint('engine.copy.batch-acknowledged', async () => {
      batches += 1;
      if (batches !== 2) return;
      await pair.source.stepDown();
      // A cursor survives the election of the same member.
      await pair.source.client.db('admin').command({ killAllSessions: [] });
    });
    // Reads no further ahead than one batch.
    await using running = RunningMigration.start(pair, { once: true });
    running.steering.limit({ loadLevel: 1 });
    assert.equal(await running.outcome, 'COMMITTED');
    assert.ok(batches > 7, 'it began again');
    assert.equal((await expectIdentical(pair)).documents, DOCUMENTS);
  });

  await t.test('the scan begins again when the document of its position is deleted', async () => {
    const items = await fill(pair);
    const migrationId = newId();
    const left = await copyPart(pair, migrationId);
    const read = { hint: { $natural: 1 }, projection: { _id: 1 }, showRecordId: true } as const;
    const records = await items.find<{ _id: string; $recordId: number }>({}, read).toArray();
    const at = records.find(({ $recordId }) => String($recordId) === left.natural.after);
    await items.deleteOne({ _id: at?._id ?? assert.fail('no document at the position') });
    await using running = RunningMigration.start(pair, { migrationId, once: true });
    assert.equal(await running.outcome, 'COMMITTED');
    const [whole] = await partitionsOf(pair);
    assert.equal(whole?.natural?.documents, DOCUMENTS - 1);
    assert.equal((await expectIdentical(pair)).documents, DOCUMENTS - 1);
  });

  await t.test('what was inserted since the beginning of the scan is left to the change stream', async () => {
    const items = await fill(pair);
    const added = 1_600;
    using _ = onceAt('engine.copy.batch-acknowledged', async () => {
      const documents = Array.from({ length: added }, (_, n) => ({ _id: `new ${n}`, n: -n, filler: FILLER }));
      await items.insertMany(documents);
    });
    // Reads no further ahead than one batch.
    await using running = RunningMigration.start(pair, { once: true });
    running.steering.limit({ loadLevel: 1 });
    assert.equal(await running.outcome, 'COMMITTED');
    const [partition] = await partitionsOf(pair);
    const copied = partition?.documents ?? 0;
    assert.ok(copied >= DOCUMENTS && copied < DOCUMENTS + added, `copied ${copied}`);
    assert.equal((await expectIdentical(pair)).documents, DOCUMENTS + added);
  });
});

async function fill(pair: ReplicaSetPair): Promise<Collection<Item>> {
  const { client } = pair.source;
  await setCache(client, SMALL_CACHE_MIB);
  await setCache(pair.destination.client, 256);
  for (const name of ['natural', 'linkspan_internal']) await pair.destination.client.db(name).dropDatabase();
  await client.db('natural').dropDatabase();
  const items = client.db('natural').collection<Item>('items');
  await items.insertMany(Array.from({ length: DOCUMENTS }, (_, n) => ({ _id: idOf(n), n, filler: FILLER })));
  return items;
}

async function setCache(client: MongoClient, mebibytes: number): Promise<void> {
  const wiredTigerEngineRuntimeConfig = `cache_size=${mebibytes}MB`;
  await client.db('admin').command({ setParameter: 1, wiredTigerEngineRuntimeConfig });
}

function idOf(n: number): string {
  return createHash('md5').update(String(n)).digest('hex');
}

/** Copies some batches, and stops. Returns what is on record then. */
async function copyPart(pair: ReplicaSetPair, migrationId: string) {
  using held = holdAt('engine.copy.batch-acknowledged', { after: 4 });
  await using running = RunningMigration.start(pair, { migrationId, clock: fast, once: true });
  await held.reached;
  const stopped = running.stop();
  held.release();
  await stopped;
  const [partition] = await partitionsOf(pair);
  const { documents = 0, natural } = partition ?? {};
  assert.ok(natural?.after, 'a position is on record');
  assert.ok(documents > 0 && documents < DOCUMENTS);
  return { documents, natural };
}

async function partitionsOf(pair: ReplicaSetPair): Promise<PartitionRecord[]> {
  const partitions = pair.destination.client.db('linkspan_internal').collection<PartitionRecord>('partitions');
  return await partitions.find().toArray();
}

/** Documents that were sent to the destination as inserts, refused ones included. */
async function insertsSent(pair: ReplicaSetPair): Promise<number> {
  return Number((await pair.destination.client.db('admin').command({ serverStatus: 1 })).opcounters.insert);
}
