import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { BSON, Decimal128, Double, Long, type MongoClient, Timestamp, UUID } from 'mongodb';
import { type DigestOptions, type DigestReport, digestCluster } from '../../../src/engine/index.ts';
import { onFailpoint, silentLogger } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { isolatePrimary } from '../../support/lagging-member.ts';
import { LEAST_ROLES } from '../../support/least-privilege.ts';
import { type ReplicaSet, startReplicaSet } from '../../support/replica-set.ts';
import { emptyCluster, identified } from '../../support/seeds.ts';
import { onceAt } from '../reach-points.ts';

/** A document with any other fields. */
interface Stored {
  readonly _id: number | string;
  readonly [name: string]: unknown;
}

let set: ReplicaSet;
before(async () => {
  set = await startReplicaSet();
});
after(() => set[Symbol.asyncDispose]());
beforeEach(() => emptyCluster(set.client));

const digest = (options: Partial<DigestOptions> = {}, signal = new AbortController().signal) =>
  digestCluster({ cluster: { uri: set.uri }, logger: silentLogger, ...options }, signal);

const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();

/** Count, bytes, digest and order by their definition, from the driver's raw documents. */
async function byDefinition(client: MongoClient, database: string, name: string) {
  let [sum, count, bytes] = [0n, 0, 0];
  let chain: Buffer = Buffer.alloc(32);
  for await (const document of client
    .db(database)
    .collection(name)
    .find({}, { raw: true, hint: { $natural: 1 } })) {
    const raw = document as unknown as Uint8Array;
    sum += BigInt(`0x${sha(raw).toString('hex')}`);
    chain = sha(Buffer.concat([chain, sha(raw)]));
    count += 1;
    bytes += raw.length;
  }
  return { count, bytes, digest: (sum % (1n << 256n)).toString(16).padStart(64, '0'), order: chain.toString('hex') };
}

function entryOf(report: DigestReport, namespace: string) {
  const entry = report.collections.find((one) => one.namespace === namespace);
  assert.ok(entry !== undefined && entry.type !== 'view', `${namespace} is not in the report`);
  return entry;
}

/** More than a reply has, which has 4 MiB. */
const MANY = 2_500;

/** Creates collections of every kind with unusual documents. */
async function plant(): Promise<void> {
  const db = set.client.db('shop');
  const ids = [
    1,
    'a',
    null,
    new Double(0.5),
    Long.fromString('9007199254740993'),
    Decimal128.fromString('NaN'),
    new UUID(),
    [1],
    true,
  ];
  const mixed = db.collection<{ _id: unknown }>('mixed');
  await mixed.insertMany([...ids.flatMap((_id) => (Array.isArray(_id) ? [] : [{ _id }])), { _id: { b: 1, a: -0 } }]);
  await db.collection<Stored>('large').insertOne({ _id: 1, text: 'x'.repeat(15 * 1024 * 1024) });
  await db.createCollection('empty');
  await db.createCollection('german', { collation: { locale: 'de', strength: 2 } });
  await db.collection<{ _id: string }>('german').insertMany(['b', 'A', 'c', 'ä'].map((_id) => ({ _id })));
  await db.createCollection('clustered', { clusteredIndex: { key: { _id: 1 }, unique: true } });
  await db.collection<Stored>('clustered').insertMany(identified(500));
  await db.createCollection('many');
  await db.collection<Stored>('many').insertMany(identified(MANY, { text: 'y'.repeat(3_000) }));
  await db.createCollection('series', { timeseries: { timeField: 't', metaField: 'm' } });
  await db.collection('series').insertMany([1, 2, 3].map((m) => ({ t: new Date(m), m })));
  await db.collection<{ _id: string }>('system.js').insertOne({ _id: 'f' });
  await db.createCollection('seen', { viewOn: 'many', pipeline: [] });
}

const PLANTED = ['clustered', 'empty', 'german', 'large', 'many', 'mixed', 'seen', 'series', 'system.js'];

test('a digest covers every kind of collection as of one cluster time, and follows its definition', async () => {
  await plant();
  const report = await digest();
  assert.deepEqual(
    report.collections.map(({ namespace }) => namespace),
    PLANTED.map((name) => `shop.${name}`),
  );
  assert.equal(report.claim, 'AT_CLUSTER_TIME', report.explanation);
  assert.match(report.explanation, /No write came after it/);
  for (const name of PLANTED.filter((one) => one !== 'seen')) {
    const stored = name === 'series' ? 'system.buckets.series' : name;
    const { order: _, ...expected } = await byDefinition(set.client, 'shop', stored);
    const { count, bytes, digest, atClusterTime, written } = entryOf(report, `shop.${name}`);
    assert.deepEqual({ count, bytes, digest }, expected, name);
    assert.deepEqual({ atClusterTime, written }, { atClusterTime: true, written: false }, name);
  }
  const counts = report.collections.map((entry) => (entry.type === 'view' ? 0 : entry.count));
  assert.equal(
    report.totals.count,
    counts.reduce((sum, count) => sum + count, 0),
  );
  assert.equal(report.totals.views, 1);
  assert.equal(entryOf(report, 'shop.many').count, MANY);
});

test('a large collection is read in ranges of _id at the same time, with the same digest', async () => {
  await plant();
  const german = set.client.db('shop').collection<Stored>('german');
  await german.insertMany(
    Array.from({ length: 3_000 }, (_, n) => ({ _id: `${n % 2 ? 'Ä' : 'a'}${n}`, text: 'ß'.repeat(200) })),
  );
  const mixed = set.client.db('shop').collection<Stored>('mixed');
  await mixed.insertMany(
    Array.from({ length: 3_000 }, (_, n) => ({ _id: n % 2 ? `${n}` : 100 + n, text: 'z'.repeat(400) })),
  );
  let ranges = 0;
  using _ = onFailpoint('engine.digest.range-read', () => {
    ranges += 1;
  });
  const report = await digest({ rangeBytes: 200_000 });
  assert.ok(ranges > report.collections.length + 20, `${ranges} ranges`);
  for (const name of ['german', 'mixed', 'many', 'clustered']) {
    const { order: _, ...expected } = await byDefinition(set.client, 'shop', name);
    const { count, bytes, digest: sum } = entryOf(report, `shop.${name}`);
    assert.deepEqual({ count, bytes, digest: sum }, expected, name);
  }
  assert.equal(report.claim, 'AT_CLUSTER_TIME');
});

test('a capped collection has a digest of its order, which holds when no one wrote to it', async () => {
  const log = await set.client.db('shop').createCollection<{ _id: number }>('log', { capped: true, size: 100_000 });
  await log.insertMany([3, 1, 2].map((_id) => ({ _id })));
  const report = await digest();
  const { order, ...expected } = await byDefinition(set.client, 'shop', 'log');
  const { count, bytes, digest: sum, orderDigest } = entryOf(report, 'shop.log');
  assert.deepEqual({ count, bytes, digest: sum, orderDigest }, { ...expected, orderDigest: order });
  assert.equal(report.claim, 'WITHOUT_WRITES', report.explanation);
  assert.match(report.explanation, /No write to shop\.log was seen/);
  using written = onceAt('engine.digest.time-chosen', () => log.insertOne({ _id: 4 }));
  const changed = await digest();
  await written.result;
  assert.equal(changed.claim, 'CHANGED_MEANWHILE');
  assert.match(changed.explanation, /proves nothing about shop\.log/);
});

test('writes while a digest is made change nothing in it, and the report says that they came', async () => {
  const orders = set.client.db('shop').collection<Stored>('orders');
  await orders.insertMany(identified(1_000));
  await set.client.db('shop').collection<Stored>('other').insertOne({ _id: 1 });
  const before = await byDefinition(set.client, 'shop', 'orders');
  using written = onceAt('engine.digest.time-chosen', async () => {
    await orders.insertOne({ _id: 5_000 });
    await orders.updateOne({ _id: 1 }, { $set: { changed: true } });
    await orders.deleteOne({ _id: 2 });
  });
  const report = await digest();
  await written.result;
  const { digest: sum, count, atClusterTime, written: isWritten } = entryOf(report, 'shop.orders');
  assert.deepEqual({ sum, count }, { sum: before.digest, count: 1_000 });
  assert.deepEqual({ atClusterTime, isWritten }, { atClusterTime: true, isWritten: true });
  assert.equal(entryOf(report, 'shop.other').written, false);
  assert.equal(report.claim, 'AT_CLUSTER_TIME');
  assert.match(report.explanation, /Writes came after that time, to shop\.orders\./);
});

test('a digest whose snapshot the server drops reads on without it, and proves what no write has changed', async () => {
  const orders = set.client.db('shop').collection<Stored>('orders');
  await orders.insertMany(identified(MANY, { text: 'z'.repeat(3_000) }));
  const SNAPSHOT_TOO_OLD = 239;
  const data = { failCommands: ['getMore'], errorCode: SNAPSHOT_TOO_OLD, namespace: 'shop.orders' };
  await set.failCommand({ mode: { times: 1 }, data });
  const report = await digest();
  const { order: _, ...expected } = await byDefinition(set.client, 'shop', 'orders');
  const { count, bytes, digest: sum, atClusterTime } = entryOf(report, 'shop.orders');
  assert.deepEqual({ count, bytes, digest: sum, atClusterTime }, { ...expected, atClusterTime: false });
  assert.equal(report.claim, 'WITHOUT_WRITES');
  await set.failCommand({ mode: { times: 1 }, data });
  using written = onceAt('engine.digest.documents-read', () => orders.insertOne({ _id: 'late' }));
  const changed = await digest();
  await written.result;
  assert.equal(changed.claim, 'CHANGED_MEANWHILE');
});

test('what applyOps writes while a digest reads without a snapshot counts as a write', async () => {
  const log = await set.client.db('shop').createCollection<Stored>('log', { capped: true, size: 100_000 });
  await log.insertMany(identified(3));
  const applyOps = [{ op: 'i', ns: 'shop.log', o: { _id: 7 } }];
  using written = onceAt('engine.digest.time-chosen', () =>
    set.client.db('admin').command({ applyOps, writeConcern: { w: 'majority' } }),
  );
  const report = await digest();
  await written.result;
  assert.equal(report.claim, 'CHANGED_MEANWHILE', report.explanation);
  assert.deepEqual([entryOf(report, 'shop.log').written, report.oplogRead], [true, true]);
});

test('a digest by a user who may not read the oplog says what no one could see', async () => {
  await using guarded = await startReplicaSet({ auth: true });
  await guarded.client.db('shop').createCollection('log', { capped: true, size: 4_096 });
  const actions = ['find', 'listCollections', 'listIndexes', 'collStats', 'changeStream'];
  const privileges = [
    { resource: { db: '', collection: '' }, actions },
    { resource: { cluster: true }, actions: ['listDatabases'] },
  ];
  await guarded.client.db('admin').command({ createRole: 'watches', privileges, roles: [] });
  await guarded.createUser('auditor', 'secret', ['watches']);
  // An oplog without new entries need not be read.
  using _ = onceAt('engine.digest.documents-read', () =>
    guarded.client.db('admin').command({ appendOplogNote: 1, data: {} }),
  );
  const report = await digest({ cluster: { uri: guarded.uriFor('auditor', 'secret') } });
  assert.deepEqual([report.claim, report.oplogRead], ['WITHOUT_WRITES', false]);
  assert.match(report.explanation, /do not hold if another client wrote there with applyOps/);
});

test('a digest survives lost cursors and a step-down, and counts no document twice', async () => {
  await plant();
  const expected = await byDefinition(set.client, 'shop', 'many');
  const INTERRUPTED_DUE_TO_REPL_STATE_CHANGE = 11_602;
  const data = { failCommands: ['getMore'], errorCode: INTERRUPTED_DUE_TO_REPL_STATE_CHANGE };
  await set.failCommand({ mode: { times: 5 }, data });
  using stepped = onceAt('engine.digest.time-chosen', () => set.stepDown());
  const report = await digest();
  await stepped.result;
  assert.equal(entryOf(report, 'shop.many').digest, expected.digest);
  assert.equal(entryOf(report, 'shop.many').count, expected.count);
});

test('a digest of a cluster that is written to all the time, through an election, is the one of its cluster time', async () => {
  await using busy = await startReplicaSet({ members: 3 });
  const orders = busy.client.db('shop').collection<{ _id: number; n: number; text?: string }>('orders');
  await orders.insertMany(identified(MANY, { text: 'v'.repeat(3_000), n: 0 }));
  let [writes, isWriting] = [0, true];
  const write = async () => {
    for (; isWriting; writes += 1) {
      const _id = (writes * 7_919) % 3_000;
      await orders.updateOne({ _id }, { $inc: { n: 1 } }, { upsert: true }).catch(() => undefined);
      if (writes % 3 === 0) await orders.deleteOne({ _id: _id + 1 }).catch(() => undefined);
    }
  };
  const writers = [write()];
  try {
    await eventually(() => writes > 20, { what: 'writes' });
    using stepped = onceAt('engine.digest.time-chosen', () => busy.stepDown());
    const report = await digest({ cluster: { uri: busy.uri } });
    await stepped.result;
    const { digest: sum, count, atClusterTime, written } = entryOf(report, 'shop.orders');
    assert.deepEqual({ atClusterTime, written }, { atClusterTime: true, written: true });
    const readConcern = { level: 'snapshot', atClusterTime: new Timestamp(report.clusterTime) };
    const snapshot = busy.client.db('shop').runCursorCommand({ find: 'orders', readConcern });
    let [total, documents] = [0n, 0];
    for await (const document of snapshot) {
      total += BigInt(`0x${sha(BSON.serialize(document)).toString('hex')}`);
      documents += 1;
    }
    assert.deepEqual({ sum, count }, { sum: (total % (1n << 256n)).toString(16).padStart(64, '0'), count: documents });
  } finally {
    isWriting = false;
    await Promise.all(writers);
  }
});

const DEFINITION_CHANGES: readonly [what: string, change: (client: MongoClient) => Promise<unknown>][] = [
  ['dropped', (client) => client.db('shop').dropCollection('orders')],
  ['renamed', (client) => client.db('shop').renameCollection('orders', 'sold')],
  ['created', (client) => client.db('shop').createCollection('added')],
  ['indexed', (client) => client.db('shop').collection('orders').createIndex({ a: 1 })],
  ['changed in an option', (client) => client.db('shop').command({ collMod: 'orders', validator: { a: 1 } })],
  [
    'dropped and created again',
    async (client) => {
      await client.db('shop').dropCollection('orders');
      await client.db('shop').collection<Stored>('orders').insertMany(identified(5));
    },
  ],
];

test('a digest of a cluster whose collections change meanwhile says that it proves nothing about them', async (t) => {
  for (const [what, change] of DEFINITION_CHANGES) {
    await t.test(`a collection is ${what}`, async () => {
      await set.client.db('shop').collection<Stored>('orders').insertMany(identified(5));
      using changed = onceAt('engine.digest.time-chosen', () => change(set.client));
      const report = await digest();
      await changed.result;
      assert.equal(report.claim, 'CHANGED_MEANWHILE');
      assert.match(report.explanation, /shop\.(orders|added)/);
      assert.ok(report.catalogChanged.length > 0);
    });
  }
});

test('a digest with users and roles says when one of them changed meanwhile', async () => {
  const db = set.client.db('shop');
  using created = onceAt('engine.digest.time-chosen', () => db.command({ createUser: 'ann', pwd: 'x', roles: [] }));
  const report = await digest({ usersAndRoles: true });
  await created.result;
  assert.equal(report.claim, 'CHANGED_MEANWHILE');
  assert.deepEqual(report.catalogChanged, ['admin.system.users']);
  await db.command({ dropUser: 'ann' });
  assert.equal((await digest({ usersAndRoles: true })).claim, 'AT_CLUSTER_TIME');
});

test('filters choose collections and documents', async () => {
  const db = set.client.db('shop');
  for (const name of ['orders', 'carts']) await db.collection<Stored>(name).insertMany(identified(10));
  const report = await digest({
    filters: { include: [{ database: 'shop', collections: ['orders'] }] },
    documentFilters: [{ database: 'shop', collection: 'orders', filter: { _id: { $lt: 4 } } }],
  });
  assert.deepEqual(
    report.collections.map(({ namespace }) => namespace),
    ['shop.orders'],
  );
  assert.equal(entryOf(report, 'shop.orders').count, 4);
  assert.equal(report.selection.documentFilters.length, 1);
  const sum = (
    await db
      .collection<Stored>('orders')
      .find({ _id: { $lt: 4 } })
      .toArray()
  ).reduce((total, document) => total + BigInt(`0x${sha(BSON.serialize(document)).toString('hex')}`), 0n);
  assert.equal(entryOf(report, 'shop.orders').digest, (sum % (1n << 256n)).toString(16).padStart(64, '0'));
});

test('a user with the roles that the documentation lists can digest everything, users and roles included', async () => {
  await using guarded = await startReplicaSet({ auth: true });
  const db = guarded.client.db('shop');
  await db.collection<Stored>('system.js').insertOne({ _id: 'f' });
  await db.createCollection('series', { timeseries: { timeField: 't' } });
  await db.collection('series').insertOne({ t: new Date() });
  await guarded.createUser('auditor', 'secret', LEAST_ROLES.source);
  const report = await digest({ cluster: { uri: guarded.uriFor('auditor', 'secret') }, usersAndRoles: true });
  assert.equal(report.claim, 'AT_CLUSTER_TIME', report.explanation);
  assert.deepEqual([entryOf(report, 'shop.system.js').count, entryOf(report, 'shop.series').count], [1, 1]);
  assert.ok(report.accounts?.some(({ id }) => id === 'admin.auditor'));
  assert.match(report.cluster.replicaSetId, /^[0-9a-f]{24}$/);
  await guarded.createUser('nobody', 'secret', []);
  await assert.rejects(digest({ cluster: { uri: guarded.uriFor('nobody', 'secret') } }), {
    code: 'VERIFICATION_REFUSED',
  });
});

test('a user who may not open a change stream gets a digest at one time, and knows what that does not show', async () => {
  await using guarded = await startReplicaSet({ auth: true });
  const db = guarded.client.db('shop');
  await db.collection<Stored>('orders').insertMany(identified(5));
  const actions = ['find', 'listCollections', 'listIndexes', 'collStats'];
  const privileges = [
    { resource: { db: '', collection: '' }, actions },
    { resource: { cluster: true }, actions: ['listDatabases'] },
  ];
  await guarded.client.db('admin').command({ createRole: 'onlyReads', privileges, roles: [] });
  await guarded.createUser('auditor', 'secret', ['onlyReads']);
  const cluster = { uri: guarded.uriFor('auditor', 'secret') };
  const report = await digest({ cluster });
  assert.equal(report.claim, 'AT_CLUSTER_TIME', report.explanation);
  assert.match(report.explanation, /No one could see whether writes came after it/);
  assert.equal(report.endTime, null);
  assert.equal(entryOf(report, 'shop.orders').written, null);
  await db.createCollection('log', { capped: true, size: 4_096 });
  const unknown = await digest({ cluster });
  assert.equal(unknown.claim, 'UNKNOWN');
  assert.match(unknown.explanation, /proves nothing about shop\.log unless no one wrote/);
});

test('a digest waits for a majority that lags behind, so that no write falls between its time and its change stream', async () => {
  await using lagging = await startReplicaSet({ members: 3 });
  const orders = lagging.client.db('shop').collection<Stored>('orders');
  await orders.insertMany(identified(5), { writeConcern: { w: 3 } });
  await using isolated = await isolatePrimary(lagging);
  const replicate = () => Promise.resolve(isolated[Symbol.asyncDispose]());
  await orders.insertOne({ _id: 'late' }, { writeConcern: { w: 1 } });
  using behind = onceAt('engine.digest.majority-behind', replicate);
  using never = onceAt('engine.digest.documents-read', replicate); // Else a digest that doesn't wait would never end.
  const report = await digest({ cluster: { uri: lagging.uri } });
  await Promise.all([behind.result, never.result]);
  assert.notEqual(behind.result, undefined);
  assert.equal(entryOf(report, 'shop.orders').count, 6);
});

test('a digest that is stopped reports what it has read, and says that it is unfinished', async () => {
  await plant();
  const stop = new AbortController();
  using stopped = onceAt('engine.digest.documents-read', async () => stop.abort());
  const report = await digest({}, stop.signal);
  await stopped.result;
  assert.equal(report.claim, 'UNFINISHED');
  assert.match(report.explanation, /stopped before it had read everything/);
});
