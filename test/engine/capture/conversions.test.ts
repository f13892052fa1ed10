import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Timestamp } from 'mongodb';
import { areShown, readUnstreamedWrites } from '../../../src/engine/capture/unstreamed-writes.ts';
import { listCollections } from '../../../src/engine/catalog/read-catalog.ts';
import { preflight } from '../../../src/engine/index.ts';
import { writeBarrier } from '../../../src/engine/mongodb/cluster-time.ts';
import { sourceFeatures } from '../../../src/engine/mongodb/server-features.ts';
import { newId, silentLogger } from '../../../src/platform/index.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { emptyPair, identified } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

interface Item {
  readonly _id: number;
  readonly text: string;
}

/** Enough to be copied in the middle of a conversion. */
const DOCUMENTS = 2_000;

describe('collections that become capped', { skip: needsSource('6.0', 'the catalog has to stand still') }, () => {
  let pair: ReplicaSetPair;
  before(async () => {
    pair = await startPair({ source: { auth: true } });
  });
  after(() => pair[Symbol.asyncDispose]());
  checkForLeaks({ sockets: false });

  const db = () => pair.source.client.db('shop');
  const refill = async (...names: string[]) => {
    await emptyPair(pair);
    const items = identified(DOCUMENTS, { text: 'x'.repeat(100) });
    for (const name of names) await db().collection<Item>(name).insertMany(items);
  };
  const convert = async () => {
    await db().command({ convertToCapped: 'items', size: 20_000_000 });
    await db().command({ cloneCollectionAsCapped: 'original', toCollection: 'clone', size: 20_000_000 });
  };
  for (const once of [false, true]) {
    test(`are migrated completely, in the copy of a migration that ${once ? 'runs once' : 'is cut over'}`, async () => {
      await refill('items', 'original');
      using _ = onceAt('engine.copy.batch-acknowledged', convert);
      await using running = RunningMigration.start(pair, { once });
      await (once ? running.outcome : running.commit());
      await expectIdentical(pair);
      assert.ok((running.progress.repairs?.declared ?? 0) > 0);
    });
  }

  test('are migrated completely while a migration follows', async () => {
    await refill('items', 'original');
    await using running = RunningMigration.start(pair);
    await running.untilReady();
    await convert();
    await running.commit();
    await expectIdentical(pair);
    assert.ok((running.progress.repairs?.declared ?? 0) > 0);
  });

  // id: copied-again-without-oplog
  test('are copied again for a user who may not read the oplog, and the run and the plan report what they cannot see', async () => {
    await refill('items');
    const cluster = ['appendOplogNote', 'replSetGetConfig', 'getParameter', 'listDatabases', 'serverStatus'];
    const databases = ['find', 'changeStream', 'listCollections', 'listIndexes', 'collStats'];
    const privileges = [
      { resource: { cluster: true }, actions: [...cluster, 'inprog', 'setUserWriteBlockMode'] },
      { resource: { db: '', collection: '' }, actions: databases },
    ];
    await pair.source.client.db('admin').command({ createRole: 'least', privileges, roles: [] });
    await pair.source.createUser('least', 'secret', ['least']);
    const source = { uri: pair.source.uriFor('least', 'secret') };
    const { uri } = pair.destination;
    await using running = RunningMigration.start({ source, destination: { uri } });
    await running.untilReady();
    await running.until('the warning', ({ warnings }) => warnings.some((one) => /not read its oplog/.test(one)));
    await db().command({ convertToCapped: 'items', size: 20_000_000 });
    await running.until('the repair', ({ repairs }) => repairs !== null && repairs.collectionsDone > 0);
    await running.commit();
    await expectIdentical(pair);
    const options = { migrationId: newId(), dropDestination: true, logger: silentLogger };
    const findings = await preflight({ ...options, source, destination: { uri } });
    assert.ok(findings.some(({ code }) => code === 'UNSTREAMED_WRITES_UNSEEN'));
    const ofRoot = await preflight({ ...options, source: { uri: pair.source.uri }, destination: { uri } });
    assert.ok(!ofRoot.some(({ code }) => code === 'UNSTREAMED_WRITES_UNSEEN'));
  });

  test('are found in the oplog by their UUIDs, and an oplog that no longer reaches back is detected', async () => {
    await refill('original');
    const { client } = pair.source;
    // The document contains only what looks like a command of the oplog.
    await db().collection('original').deleteMany({});
    await db()
      .collection('original')
      .insertOne({ applyOps: [{ op: 'n' }, 1] });
    const { operationTime: after } = await client.db('admin').command({ ping: 1 });
    await db().command({ cloneCollectionAsCapped: 'original', toCollection: 'clone', size: 20_000_000 });
    const to = await writeBarrier(client);
    const entries = await listCollections(client, 'shop');
    const [original, clone] = ['original', 'clone'].map((name) => {
      const entry = entries.find((one) => one.name === name);
      return { id: entry?.uuid?.toHexString(false) ?? '', namespace: 'renamed' };
    });
    const read = (from: Timestamp) => readUnstreamedWrites(client, sourceFeatures('6.0'), { after: from, to });
    const writes = await read(after);
    assert.ok(writes && clone && writes.isOf(clone));
    assert.ok(original && !writes.isOf(original));
    assert.equal(await read(new Timestamp({ t: 1, i: 1 })), undefined);
  });

  test('opening a stream at an oplog entry tells whether streams show it, and all later ones', async () => {
    await refill();
    const { client } = pair.source;
    const admin = client.db('admin');
    await db().createCollection('items');
    const { operationTime: began } = await admin.command({ ping: 1 });
    const insert = { op: 'i', ns: 'shop.items', o: { _id: 1 } };
    await admin.command({ applyOps: [insert], writeConcern: { w: 'majority' } });
    await using session = client.startSession();
    await session.withTransaction(() => db().collection<Item>('items').insertOne({ _id: 2, text: '' }, { session }));
    await session.withTransaction(async () => {
      for (const _id of [3, 4]) await db().collection<Item>('items').insertOne({ _id, text: '' }, { session });
    });
    const grouped = { ts: { $gt: began }, ns: 'admin.$cmd', 'o.applyOps.ns': 'shop.items' };
    const entries = await client.db('local').collection('oplog.rs').find(grouped).toArray();
    const [hidden, one, two] = entries.map(({ ts }) => ts as Timestamp);
    assert.ok(hidden && one && two && entries.length === 3, JSON.stringify(entries));
    const shown = (...times: Timestamp[]) => areShown(client, sourceFeatures('6.0'), times);
    assert.deepEqual([await shown(hidden), await shown(one), await shown(two)], [false, true, true]);
    assert.deepEqual([await shown(hidden, one), await shown(one, two), await shown()], [false, true, true]);
    await admin.command({
      applyOps: [{ ...insert, o: { _id: 5 } }],
      writeConcern: { w: 'majority' },
    });
    const last = await client
      .db('local')
      .collection('oplog.rs')
      .findOne(grouped, { sort: { $natural: -1 } });
    assert.equal(await shown(two, last?.ts), false);
  });
});
