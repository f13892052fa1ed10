import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Document } from 'mongodb';
import { preflight } from '../../../src/engine/index.ts';
import { newId, silentLogger } from '../../../src/platform/index.ts';
import { DIALECT_NAMES, dialectNamed } from '../../support/dialect/dialects.ts';
import { ERRORS_OF_THE_MOMENT } from '../../support/dialect/facts/errors.ts';
import { inDialect, type SetInDialect } from '../../support/dialect/set-in-dialect.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { type ReplicaSet, type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { emptyPair, numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { verify } from '../compare-clusters/verify-pair.ts';
import { onceAt } from '../reach-points.ts';
import { RunningMigration, syncOnce } from '../running-migration.ts';

/** So short that reads without a limit of their own fail. */
const SETTINGS = { defaultMaxTimeMS: 1, endsTransactions: true };

describe('a dialect, not a real server', { skip: needsSource('6.0', 'its catalog has to stand still') }, () => {
  let real: ReplicaSetPair;
  before(async () => {
    real = await startPair();
  });
  after(() => real[Symbol.asyncDispose]());
  beforeEach(() => emptyPair(real));

  for (const name of DIALECT_NAMES) {
    const { version, level } = dialectNamed(name);

    test(`MongoDB ${name}: collections with many kinds of indexes, a view and changes arrive and verify equal`, async () => {
      await using source = await inDialect(real.source, name, SETTINGS);
      await using destination = await inDialect(real.destination, name, SETTINGS);
      const pair = { source, destination } as unknown as ReplicaSetPair;
      await fill(real.source);
      if (level === '9.0') await refusesTimeSeries(source, pair);
      const found = await findings(pair);
      assert.deepEqual(found.get('ERROR'), undefined, String(found.get('ERROR')));
      assert.match(String(found.get('WARNING')), new RegExp(`VERSION_NOT_TRIED .*${version.replaceAll('.', '\\.')}`));
      await using running = RunningMigration.start(pair);
      await running.untilReady();
      await change(real.source);
      await running.commit();
      assert.equal(running.progress.repairs, null, 'all writes have events');
      await expectIdentical(real);
      assert.equal((await verify(pair)).report.result, 'EQUAL');
    });
  }

  test('MongoDB 9.0.0 with the feature compatibility version 8.0 keeps a time series as buckets, and arrives', async () => {
    await using source = await inDialect(real.source, '9.0.0', { ...SETTINGS, level: '8.0' });
    await using destination = await inDialect(real.destination, '9.0.0', { ...SETTINGS, level: '8.0' });
    await fill(real.source);
    await syncOnce({ source, destination }, { once: true });
    await expectIdentical(real);
    const pair = { source, destination } as unknown as ReplicaSetPair;
    assert.equal((await verify(pair)).report.result, 'EQUAL');
  });

  test('MongoDB 8.0: what a server refuses for the moment is tried again, and arrives', async () => {
    await using source = await inDialect(real.source, '8.0');
    await using destination = await inDialect(real.destination, '8.0');
    const items = real.source.client.db('shop').collection<Document>('items');
    await items.insertMany(numbered(10));
    await using running = RunningMigration.start({ source, destination });
    await running.untilReady();
    const copies = real.destination.client.db('shop').collection<Document>('items');
    for (const { refusal } of ERRORS_OF_THE_MOMENT) {
      const { code } = refusal;
      source.modelled.refusals.set('getMore', refusal);
      destination.modelled.refusals.set('update', refusal).set('insert', refusal).set('bulkWrite', refusal);
      await items.insertOne({ code });
      await eventually(async () => (await copies.countDocuments({ code })) === 1, { what: `the write after ${code}` });
      assert.equal(source.modelled.refusals.size, 0);
      assert.ok(destination.modelled.refusals.size < 3);
    }
    await running.commit();
    await expectIdentical(real);
  });

  test('MongoDB 8.0: a cutover waits while a block with another reason holds the source, and says so', async () => {
    await using source = await inDialect(real.source, '8.0');
    await using destination = await inDialect(real.destination, '8.0');
    await real.source.client.db('shop').collection('items').insertMany(numbered(10));
    await using running = RunningMigration.start({ source, destination });
    await running.untilReady();
    const admin = real.source.client.db('admin');
    using _ = onceAt('engine.cutover.claimed', async () => {
      await admin.command({ setUserWriteBlockMode: 1, global: true });
      source.modelled.blockReason = 'DiskUseThresholdExceeded';
    });
    running.steering.cutOver();
    await running.until('the reason', ({ waiting }) =>
      waiting.some(({ reason }) => reason.includes('current: DiskUseThresholdExceeded')),
    );
    source.modelled.blockReason = undefined;
    await admin.command({ setUserWriteBlockMode: 1, global: false });
    await running.commit();
    await expectIdentical(real);
  });
});

async function fill({ client }: ReplicaSet): Promise<void> {
  const db = client.db('shop');
  const items = db.collection('items');
  await items.insertMany(numbered(500, { text: 'a word', place: [1, 2], nested: { a: 1 } }));
  await items.createIndexes([
    { key: { n: 1 }, unique: true },
    { key: { text: 'text' } },
    { key: { place: '2dsphere' } },
    { key: { nested: 'hashed' } },
    { key: { 'nested.$**': 1 } },
    { key: { at: -1 }, expireAfterSeconds: 86_400 },
    { key: { n: 1, at: 1 }, partialFilterExpression: { n: { $gt: 5 } }, collation: { locale: 'de' } },
  ]);
  await db.createCollection('german', { collation: { locale: 'de' } });
  await db.collection('german').createIndexes([{ key: { n: 1 } }, { key: { m: 1 }, collation: { locale: 'simple' } }]);
  await db.createCollection('log', { capped: true, size: 100_000 });
  await db.collection('log').insertMany(numbered(50));
  await db.command({ create: 'clustered', clusteredIndex: { key: { _id: 1 }, unique: true } });
  await db.createCollection('some', { viewOn: 'items', pipeline: [{ $match: { n: 1 } }] });
  await db.createCollection('readings', { timeseries: { timeField: 'at', metaField: 'of' } });
  await db.collection('readings').createIndex({ of: 1, at: 1 });
  await db.collection('readings').insertMany(numbered(20, { at: new Date(0), of: 'a' }));
}

async function change({ client }: ReplicaSet): Promise<void> {
  const db = client.db('shop');
  await db.collection('items').updateMany({ n: { $lt: 10 } }, { $set: { changed: true } });
  await db.collection('items').deleteMany({ n: { $gt: 490 } });
  await db.collection('items').createIndex({ changed: 1 });
  await db.createCollection('later', { validator: { n: { $exists: true } } });
  // Without a number in a session, as with retryWrites=false.
  await db.command({ insert: 'later', documents: numbered(20) });
  await db.createCollection('others', { viewOn: 'items', pipeline: [] });
}

async function refusesTimeSeries(source: SetInDialect, pair: ReplicaSetPair): Promise<void> {
  assert.match(String((await findings(pair)).get('ERROR')), /UNSUPPORTED_NAMESPACE shop\.readings .* time series/);
  await assert.rejects(syncOnce(pair), { code: 'UNSUPPORTED_NAMESPACE', message: /shop\.readings/ });
  await source.client.db('shop').collection('readings').drop();
}

/** Returns codes and messages by severity. */
async function findings({ source, destination }: ReplicaSetPair): Promise<Map<string, string[]>> {
  const found = await preflight({
    migrationId: newId(),
    source: { uri: source.uri },
    destination: { uri: destination.uri },
    dropDestination: false,
    logger: silentLogger,
  });
  const bySeverity = Map.groupBy(found, ({ severity }) => severity);
  return new Map(
    [...bySeverity].map(([severity, list]) => [severity, list.map((one) => `${one.code} ${one.message}`)]),
  );
}
