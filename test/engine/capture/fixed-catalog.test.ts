import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Db, Timestamp } from 'mongodb';
import { FixedCatalog } from '../../../src/engine/capture/fixed-catalog.ts';
import { type MigrationOptions, preflight } from '../../../src/engine/index.ts';
import { clusterIdOf } from '../../../src/engine/records/confirm-clusters.ts';
import { Selection } from '../../../src/engine/scope/selection.ts';
import { newId, onFailpoint, silentLogger } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { leastPrivilegeUsers } from '../../support/least-privilege.ts';
import { startLedgerWriter } from '../../support/ledger-writer.ts';
import { type ReplicaSetPair, startReplicaSet } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { needsNoDialect, needsSource, startPairWithOldSource } from '../../support/source-version.ts';
import { hurried, refill } from '../fixed-catalog-shop.ts';
import { onceAt } from '../reach-points.ts';
import { RunningMigration, syncOnce } from '../running-migration.ts';
import { unconnectedContext } from '../unconnected-context.ts';

/** The intervals at which the engine checks the catalog, the oplog and the servers' positions. */
const LOOK_EVERY_MS = 10_000;
const ENOUGH_LOOKS = 9;

/** A source before 6.0 does not show all changes of its catalog: they stop the migration, and everything else works as ever. */

describe('a source whose catalog cannot be followed', () => {
  let pair: ReplicaSetPair;
  before(async () => {
    pair = await startPairWithOldSource();
  });
  after(() => pair[Symbol.asyncDispose]());
  checkForLeaks({ sockets: false });

  /** One that an event shows, one of which an unknown name is all that is seen, and one that only a look at the catalog finds. */
  const changes: Readonly<Record<string, (db: Db) => Promise<unknown>>> = {
    'shop.items': (db) => db.collection('items').drop(),
    'shop.new': (db) => db.collection('new').insertOne({ n: 1 }),
    'shop.extra': (db) => db.collection('extra').createIndex({ n: -1 }),
  };
  for (const [namespace, change] of Object.entries(changes)) {
    test(`a change of ${namespace} fails the migration permanently, with the name`, async () => {
      await refill(pair);
      await using running = RunningMigration.start(pair, { clock: hurried });
      await running.untilReady();
      await change(pair.source.client.db('shop'));
      const stopped = { code: 'CATALOG_CHANGED', message: new RegExp(` ${namespace}: `) };
      await assert.rejects(running.outcome, stopped);
      assert.equal(running.progress.readyForCutover, false);
      await using again = RunningMigration.start(pair, { migrationId: running.progress.migrationId });
      await assert.rejects(again.outcome, stopped);
    });
  }

  test('a change after the point of no return is ignored', async () => {
    await refill(pair);
    let looks = 0;
    const sleep = (ms: number, signal?: AbortSignal) => {
      if (ms === LOOK_EVERY_MS) looks += 1;
      return hurried.sleep(ms, signal);
    };
    let looksAfterwards = 0;
    using _ = onFailpoint('engine.cutover.destination-open', async () => {
      await pair.source.client.db('shop').collection('new').insertOne({ n: 1 });
      const before = looks;
      await eventually(() => looks >= before + ENOUGH_LOOKS, { what: 'looks at the catalog' });
      looksAfterwards = looks - before;
    });
    await using running = RunningMigration.start(pair, { clock: { ...hurried, sleep } });
    await running.commit();
    assert.equal(await running.outcome, 'COMMITTED');
    assert.ok(looksAfterwards >= ENOUGH_LOOKS);
  });

  // id: found-at-the-cutover
  test('a change that no check has seen yet is found at the cutover', async () => {
    await refill(pair);
    await using running = RunningMigration.start(pair);
    await running.untilReady();
    await pair.source.client.db('shop').collection('extra').createIndex({ n: -1 });
    running.steering.cutOver();
    await assert.rejects(running.outcome, { code: 'CATALOG_CHANGED', message: /shop\.extra/ });
    assert.equal(running.progress.canWrite, false);
  });

  test('a change that is undone before the next check is found at the cutover', async () => {
    await refill(pair);
    const extra = pair.source.client.db('shop').collection('extra');
    using _ = onceAt('engine.copy.before-first-read', () => extra.createIndex({ n: -1 }, { name: 'passing' }));
    await using running = RunningMigration.start(pair);
    await running.untilReady();
    await extra.dropIndex('passing');
    running.steering.cutOver();
    await assert.rejects(running.outcome, { code: 'CATALOG_CHANGED', message: /shop\.extra/ });
  });

  test('an index that is still being built prevents the cutover', async () => {
    await refill(pair);
    const admin = pair.source.client.db('admin');
    const extra = pair.source.client.db('shop').collection('extra');
    await admin.command({ configureFailPoint: 'hangAfterStartingIndexBuild', mode: 'alwaysOn' });
    const built = extra.createIndex({ n: -1 });
    await eventually(async () => (await extra.listIndexes().toArray()).length === 2, { what: 'the build to begin' });
    await using running = RunningMigration.start(pair);
    await running.untilReady();
    running.steering.cutOver();
    await assert.rejects(running.outcome, { code: 'CATALOG_CHANGED', message: /shop\.extra/ });
    await admin.command({ configureFailPoint: 'hangAfterStartingIndexBuild', mode: 'off' });
    await built;
  });

  // id: writers-must-stop
  test('a source that is written to is not cut over until its writers have stopped', async () => {
    await refill(pair);
    await using writer = await startLedgerWriter({
      clients: [pair.source.client],
      namespaces: ['shop.items'],
      seed: 8,
      ratePerSecond: 200,
    });
    await using first = RunningMigration.start(pair);
    await first.untilReady();
    first.steering.cutOver();
    await assert.rejects(first.outcome, { code: 'SOURCE_STILL_WRITTEN' });
    await writer.stop();
    await syncOnce(pair, { migrationId: first.progress.migrationId });
    await expectIdentical(pair);
  });

  test('a write after the stream has ended prevents the cutover', async () => {
    await refill(pair);
    using _ = onFailpoint('engine.cutover.drained', async () => {
      await pair.source.client.db('shop').collection('items').insertOne({ late: true });
    });
    await using running = RunningMigration.start(pair);
    await running.untilReady();
    running.steering.cutOver();
    await assert.rejects(running.outcome, { code: 'SOURCE_STILL_WRITTEN' });
    assert.equal(running.progress.canWrite, false);
  });

  test('namespaces that are not selected may change freely, their catalog included', async () => {
    await refill(pair);
    const filters = { include: [{ database: 'shop', collections: ['items'] }] };
    await using running = RunningMigration.start(pair, { filters, clock: hurried });
    await running.untilReady();
    const db = pair.source.client.db('shop');
    await db.collection('extra').drop();
    await db.collection('new').insertOne({ n: 1 });
    await db.collection('new').rename('newer');
    await db.collection('view').drop();
    await db.collection('items').insertOne({ n: -1 });
    await running.commit();
    const names = await pair.destination.client.db('shop').listCollections({}, { nameOnly: true }).toArray();
    assert.deepEqual(
      names.map(({ name }) => name),
      ['items'],
    );
    assert.equal(await pair.destination.client.db('shop').collection('items').countDocuments(), 1_001);
  });

  test('a copy with `once` ends identical', async () => {
    await refill(pair);
    await syncOnce(pair, { once: true });
    await expectIdentical(pair);
  });

  test('an upgrade between two runs changes nothing: the migration resumes, and a change of the catalog still fails it', {
    skip: needsSource('6.0', 'it is upgraded by its feature compatibility version'),
  }, async () => {
    await refill(pair);
    const admin = pair.source.client.db('admin');
    const items = pair.source.client.db('shop').collection('items');
    await using first = RunningMigration.start(pair);
    await first.untilReady();
    await first.stop();
    await admin.command({ setFeatureCompatibilityVersion: '6.0' });
    await items.updateMany({}, { $set: { upgraded: true } });
    const { migrationId } = first.progress;
    await using second = RunningMigration.start(pair, { migrationId });
    await second.untilReady();
    await items.deleteMany({ n: { $lt: 10 } });
    await second.until('the changes', ({ changes }) => changes.read >= 1_010 && changes.queued === 0);
    await expectIdentical(pair);
    await pair.source.client.db('shop').createCollection('new');
    await assert.rejects(second.outcome, { code: 'CATALOG_CHANGED', message: /shop\.new/ });
    await admin.command({ setFeatureCompatibilityVersion: '5.0' });
  });

  test('collections whose changes its stream does not show are refused by name, and the operator is told to stop the writers', async () => {
    await refill(pair);
    const db = pair.source.client.db('shop');
    await db.createCollection('weather', { timeseries: { timeField: 'at' } });
    await db.collection<{ _id: string }>('system.js').insertOne({ _id: 'f' });
    const findings = await preflight(optionsOf(pair.source.uri, pair.destination.uri));
    const refused = findings.filter(({ code }) => code === 'UNSUPPORTED_NAMESPACE').map(({ message }) => message);
    assert.equal(refused.length, 2);
    assert.match(refused.sort().join(), /^shop\.system\.js .*shop\.weather /);
    assert.ok(findings.some(({ code, severity }) => code === 'SOURCE_NOT_BLOCKED' && severity === 'WARNING'));
    await db.dropDatabase();
  });

  // id: destination-fcv-5
  test('a destination whose feature compatibility version is 5.0 is refused', {
    skip: needsNoDialect('none has the level of a server before 6.0'),
  }, async () => {
    const admin = pair.destination.client.db('admin');
    await admin.command({ setFeatureCompatibilityVersion: '5.0' });
    const findings = await preflight(optionsOf(pair.source.uri, pair.destination.uri));
    await admin.command({ setFeatureCompatibilityVersion: '6.0' });
    const errors = findings.filter(({ severity }) => severity === 'ERROR');
    assert.deepEqual(
      errors.map(({ code }) => code),
      ['VERSION_TOO_OLD'],
    );
    assert.match(errors[0]?.message ?? '', /^The destination .* feature compatibility version 5\.0; 6\.0 or newer/);
  });
});

test('a cluster that is written to is migrated by least-privilege users, across a restart, and ends identical', async () => {
  await using pair = await startPairWithOldSource({ source: { auth: true }, destination: { auth: true } });
  const { source } = pair;
  const users = await leastPrivilegeUsers(pair);
  const shop = source.client.db('shop');
  await shop.createCollection('log', { capped: true, size: 100_000, max: 300 });
  await shop.createCollection('collated', { collation: { locale: 'sv', strength: 2 } });
  await shop.createCollection('view', { viewOn: 'orders', pipeline: [], collation: { locale: 'sv', strength: 2 } });
  await shop.collection('orders').createIndex({ number: 1 }, { unique: true, sparse: true, hidden: true });
  await shop.collection('orders').createIndex({ at: 1 }, { expireAfterSeconds: 3_600 });
  await shop
    .collection('orders')
    .insertMany(Array.from({ length: 3_000 }, (_, number) => ({ number, text: 'x'.repeat(500), at: new Date() })));
  await using writer = await startLedgerWriter({
    clients: [source.client],
    namespaces: ['shop.orders', 'shop.collated', 'crm.contacts'],
    seed: 12,
    ratePerSecond: 200,
  });
  const written = async (running: RunningMigration) => {
    const before = running.progress.changes.applied;
    await running.until('changes to be applied', ({ changes }) => changes.applied > before + 200);
    await shop.collection('log').insertMany(numbered(200));
  };
  await using first = RunningMigration.start(users, { copyBytesPerSecond: 1_000_000 });
  await first.untilReady();
  await written(first);
  await first.stop();
  await using second = RunningMigration.start(users, { migrationId: first.progress.migrationId });
  await second.untilReady();
  await written(second);
  await writer.stop();
  await shop.command({ emptycapped: 'log' });
  await shop.collection('log').insertMany(numbered(20));
  await second.commit();
  assert.ok(first.progress.changes.duringCopy > 0, 'changes came while the collections were being copied');
  await expectIdentical(pair);
});

test('a source that drops a database of which no collection is selected does not stop the migration', () => {
  const context = unconnectedContext(new AbortController().signal);
  const selection = new Selection({ exclude: [{ database: 'shop', collections: ['extra'] }] });
  const catalog = new FixedCatalog({ ...context, selection }, undefined, async () => undefined);
  const event = { database: 'shop', time: new Timestamp(1n) };
  catalog.changed({ ...event, operation: 'drop', collection: 'extra' });
  catalog.changed({ ...event, operation: 'dropDatabase', collection: '' });
  const dropped = () => catalog.changed({ ...event, operation: 'drop', collection: 'items' });
  assert.throws(dropped, { code: 'CATALOG_CHANGED', message: /shop\.items/ });
});

test('a migration whose source was lowered to a level that shows no changes of the catalog is told so', async () => {
  await using set = await startReplicaSet();
  const source = set.client;
  const identity = { sourceId: await clusterIdOf(source), destinationId: '' };
  const context = { ...unconnectedContext(new AbortController().signal), source, identity };
  const catalog = new FixedCatalog(context, undefined, async () => assert.fail('it was followed'));
  await assert.rejects(catalog.start(), {
    code: 'CATALOG_CHANGED',
    message: /feature compatibility version: .*lowered/,
  });
});

function optionsOf(source: string, destination: string): MigrationOptions {
  return {
    migrationId: newId(),
    source: { uri: source },
    destination: { uri: destination },
    dropDestination: false,
    logger: silentLogger,
  };
}
