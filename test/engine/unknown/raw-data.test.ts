import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Document } from 'mongodb';
import { dateOf, newWatch } from '../../../src/contract/index.ts';
import { cleanUp, probeClusters, SourceWatch } from '../../../src/engine/index.ts';
import { recordRawData } from '../../../src/engine/records/tried-raw-data.ts';
import { silentLogger, systemClock } from '../../../src/platform/index.ts';
import { inDialect, type SetInDialect } from '../../support/dialect/set-in-dialect.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { emptyPair, numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { verify } from '../compare-clusters/verify-pair.ts';
import { RunningMigration, syncOnce } from '../running-migration.ts';
import { RunningReversible, reversibleUsers } from '../running-reversible.ts';

const SERIES = { timeField: 'at', metaField: 'of' };
const never = new AbortController().signal;

describe('time series of 9.0 (a dialect, not a real server)', {
  skip: needsSource('6.0', 'the dialects are of it'),
}, () => {
  let real: ReplicaSetPair;
  before(async () => {
    real = await startPair();
  });
  after(() => real[Symbol.asyncDispose]());
  beforeEach(() => emptyPair(real));

  const readings = ({ source }: ReplicaSetPair = real) => source.client.db('shop').collection<Document>('readings');
  const fill = async (pair = real) => {
    await pair.source.client.db('shop').createCollection('readings', { timeseries: SERIES });
    await readings(pair).createIndex({ of: 1, at: 1 });
    await readings(pair).insertMany(numbered(20, { at: new Date(0), of: 'a' }));
  };
  const probe = async (source: SetInDialect, destination: SetInDialect) =>
    (
      await probeClusters(
        { source: { uri: source.uri }, destination: { uri: destination.uri }, isScratch: false },
        never,
      )
    ).facts.find(({ name }) => name === 'RAW_DATA');

  for (const [from, to] of [
    ['8.0', '9.0.3'],
    ['9.0.3', '9.0.3'],
  ] as const)
    test(`from ${from} to ${to}: a probe that wrote and read buckets unlocks them, and a migration moves and verifies them`, async () => {
      await using source = await inDialect(real.source, from);
      await using destination = await inDialect(real.destination, to);
      const pair = { source, destination };
      await fill();
      // As for one that a server of 9.0 made. The others are as after an upgrade to 9.0, which says nothing of their bucketing.
      source.modelled.fixedBucketing.set('shop.readings', true);
      await assert.rejects(syncOnce(pair), { code: 'UNSUPPORTED_NAMESPACE', message: /shop\.readings/ });
      const fact = await probe(source, destination);
      assert.equal(fact?.verdict, 'AS_EXPECTED', String(fact?.seen ?? fact?.why));
      await using running = RunningMigration.start(pair);
      await running.untilReady();
      const copies = pair.destination.client.db('shop').collection<Document>('readings');
      await readings().insertMany(numbered(20, { at: new Date(86_400_000), of: 'b' }));
      await real.source.client.db('shop').createCollection('later', { timeseries: SERIES });
      await real.source.client
        .db('shop')
        .collection('later')
        .insertMany(numbered(5, { at: new Date(0), of: 'c' }));
      await readings().createIndex({ at: -1 });
      const isFixed = (name: string) => destination.modelled.fixedBucketing.get(`shop.${name}`);
      assert.equal(isFixed('readings'), true);
      await eventually(async () => (await copies.countDocuments()) === 40, { what: 'the measurements' });
      await real.source.client.db('shop').command({ collMod: 'readings', timeseries: { granularity: 'minutes' } });
      await readings().deleteMany({ of: 'a' });
      await running.commit();
      assert.deepEqual([isFixed('later'), isFixed('readings')], [from === '8.0', false], 'changed bucketing is marked');
      await expectIdentical(pair);
      assert.equal(await copies.countDocuments(), 20);
      assert.equal((await verify(pair)).report.result, 'EQUAL');
      await pair.destination.client.db('shop').collection('system.buckets.readings').deleteOne({});
      assert.equal((await verify(pair)).report.result, 'DIFFERENT');
    });

  test('from 9.0.3: a watch of the source after the commit sees writes to its time series', async () => {
    await using source = await inDialect(real.source, '9.0.3');
    await using destination = await inDialect(real.destination, '9.0.3');
    await fill();
    await probe(source, destination);
    await using running = RunningMigration.start({ source, destination });
    await running.untilReady();
    await running.commit();
    const { watchStart } = running.progress.cutover ?? {};
    assert.ok(watchStart);
    await real.source.client.db('admin').command({ setUserWriteBlockMode: 1, global: false });
    await readings().insertMany(numbered(20, { at: new Date(86_400_000), of: 'late' }));
    const watch = new SourceWatch({
      migrationId: running.migration.current.options.migrationId,
      source: { uri: source.uri },
      state: newWatch(watchStart, dateOf(Date.now() - 1_000)),
      save: async () => undefined,
      logger: silentLogger,
      clock: systemClock,
    });
    await watch.run(never);
    assert.deepEqual([watch.state.ended, watch.state.namespaces], ['over', ['shop.readings']]);
  });

  // id: time-series-of-9
  test('from 9.0.3 to 9.0.3: measurements of users of the new side come back, and time series that they made and dropped', async () => {
    await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
    await using source = await inDialect(pair.source, '9.0.3');
    await using destination = await inDialect(pair.destination, '9.0.3');
    await fill(pair);
    await probe(source, destination);
    await using running = new RunningReversible(await reversibleUsers({ ...pair, source, destination }));
    await running.cutOver();
    const shop = pair.destination.client.db('shop');
    await shop.collection('readings').insertMany(numbered(20, { at: new Date(86_400_000), of: 'b' }));
    await shop.collection('readings').deleteMany({ of: 'a' });
    await shop.createCollection('made', { timeseries: SERIES });
    await shop.collection('made').insertMany(numbered(5, { at: new Date(0), of: 'c' }));
    await shop.createCollection('gone', { timeseries: SERIES });
    await shop.collection('gone').drop();
    await running.returnToOldSource();
    assert.equal(await readings(pair).countDocuments(), 20);
    await expectIdentical(pair);
  });

  test('to 9.0.3: a cleanup after a cancelled migration drops the time series that it made', async () => {
    await using source = await inDialect(real.source, '8.0');
    await using destination = await inDialect(real.destination, '9.0.3');
    await fill();
    await probe(source, destination);
    await using running = RunningMigration.start({ source, destination });
    await running.untilReady();
    await running.steering.cancel(false);
    assert.equal(await running.outcome, 'CANCELLED');
    const { migrationId } = running.migration.current.options;
    const { collections } = await cleanUp({ uri: destination.uri }, migrationId, { drop: true });
    assert.deepEqual(
      collections.map(({ name }) => name),
      ['system.buckets.readings'],
    );
    const left = await real.destination.client.db('shop').listCollections().toArray();
    assert.deepEqual(
      left.map(({ name }) => name).filter((name) => name !== 'system.views'),
      [],
      'a server of 6.0 keeps its empty list of views',
    );
  });

  test('they stay refused for a server of a version that no probe has tried, and after a probe that failed', async () => {
    await using probed = await inDialect(real.destination, '9.0.3');
    await using older = await inDialect(real.source, '9.0.0');
    await fill();
    await probe(older, probed);
    const refused = { code: 'UNSUPPORTED_NAMESPACE', message: /shop\.readings/ };
    await assert.rejects(syncOnce({ source: older, destination: probed }), refused);
    await using newest = await inDialect(real.source, '9.0.3');
    await syncOnce({ source: newest, destination: probed });
    await recordRawData({ client: real.destination.client, version: '9.0.3', level: '9.0' }, false);
    await assert.rejects(syncOnce({ source: newest, destination: probed }), refused);
  });
});
