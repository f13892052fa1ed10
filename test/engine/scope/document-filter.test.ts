import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Document, MongoClient } from 'mongodb';
import { type DocumentFilter, type MigrationOptions, preflight } from '../../../src/engine/index.ts';
import { DocumentFilters } from '../../../src/engine/scope/document-filters.ts';
import { newId, silentLogger } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startLedgerWriter } from '../../support/ledger-writer.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { emptyPair } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';

const REGION = 'north';

function filterOf(collection: string, filter: DocumentFilter['filter']): DocumentFilter {
  return { database: 'shop', collection, filter };
}

test('a document filter that is not steady, or not what it seems, is refused with what is wrong', () => {
  const wrong: [DocumentFilter['filter'], RegExp][] = [
    [{ $where: 'true' }, /\$where/],
    [{ $text: { $search: 'x' } }, /\$text/],
    [{ $or: [{ a: { $near: [1, 1] } }] }, /\$near/],
    [{ a: { $nearSphere: [1, 1] } }, /\$nearSphere/],
    [{ $expr: { $function: { body: 'f', args: [], lang: 'js' } } }, /\$function/],
    [{ $expr: { $lt: [{ $rand: {} }, 1] } }, /\$rand/],
    [{ $sampleRate: 0.5 }, /\$sampleRate/],
    [{ $expr: { $lt: ['$at', '$$NOW'] } }, /\$\$NOW/],
    [{ $expr: { $lt: ['$at', '$$CLUSTER_TIME'] } }, /\$\$CLUSTER_TIME/],
    [{ a: { $regex: 'x', $ne: 'xy' } }, /\$ne beside \$regex/],
    [{ a: { $oid: 'no id' } }, /shop\.orders/],
  ];
  for (const [filter, message] of wrong) {
    const make = () => new DocumentFilters([filterOf('orders', filter)]);
    assert.throws(make, { code: 'INVALID_DOCUMENT_FILTER', message });
  }
  assert.throws(() => new DocumentFilters([filterOf('orders', {}), filterOf('orders', {})]), /there are two/);
});

const skip = needsSource('6.0', 'its catalog has to stand still, and its filtered collections at the end');

describe('a migration of those documents that match', () => {
  let pair: ReplicaSetPair;
  let source: MongoClient;
  before(async () => {
    pair = await startPair();
    source = pair.source.client;
  });
  after(() => pair[Symbol.asyncDispose]());
  checkForLeaks({ sockets: false });

  const orders = () => source.db('shop').collection('orders');
  const moved = () => pair.destination.client.db('shop').collection('orders');
  const fresh = async () => {
    await emptyPair(pair);
    const documents = Array.from({ length: 3_000 }, (_, n) => ({ n, region: n % 3 === 0 ? REGION : 'south' }));
    await orders().insertMany(documents);
    await orders().createIndex({ n: 1 }, { unique: true });
    await source
      .db('shop')
      .collection('whole')
      .insertMany([{ n: 1 }, { n: 2 }]);
  };
  const IN_REGION = [filterOf('orders', { region: REGION })];
  const assertInStep = async (selects: (namespace: string, document: Document) => boolean) => {
    await expectIdentical(pair, { selects });
  };
  const inRegion = (namespace: string, { region }: Document) => namespace !== 'shop.orders' || region === REGION;

  test('migrates no other document, and adds and removes those that begin or cease to match', async () => {
    await fresh();
    await using running = RunningMigration.start(pair, { documentFilters: IN_REGION });
    await running.untilReady();
    assert.equal(await moved().countDocuments(), 1_000);
    const { documentsTotal, documentsCopied } = running.progress.copy;
    assert.deepEqual([documentsTotal, documentsCopied], [1_002, 1_002], 'progress counts what is moved');
    await orders().updateMany({ n: { $lt: 30 } }, { $set: { region: 'south' } });
    await orders().updateMany({ n: { $gte: 2_900 } }, { $set: { region: REGION } });
    await orders().replaceOne({ n: 31 }, { n: 31, region: REGION });
    await orders().replaceOne({ n: 33 }, { n: 33, region: 'west' });
    await orders().insertMany([
      { n: -1, region: REGION },
      { n: -2, region: 'south' },
    ]);
    await orders().deleteMany({ n: { $in: [36, 37] } });
    await running.commit();
    await assertInStep(inRegion);
    await orders().insertOne({ n: -3, region: 'south', others: 'continue: the source is not blocked' });
  });

  // id: filter-match-changes
  test('stays in sync with writers that make documents match and not match', async () => {
    await fresh();
    const even = { $expr: { $eq: [{ $mod: [{ $ifNull: ['$ledgerCount', 0] }, 2] }, 0] } };
    await using writer = await startLedgerWriter({
      clients: [source],
      namespaces: ['shop.orders', 'shop.whole'],
      seed: 17,
      ratePerSecond: 500,
    });
    await using running = RunningMigration.start(pair, {
      documentFilters: [filterOf('orders', even)],
      copyBytesPerSecond: 200_000,
    });
    await running.untilReady();
    assert.ok(running.progress.changes.duringCopy > 0);
    const before = writer.snapshot().documentsWritten;
    await eventually(() => writer.snapshot().documentsWritten > before + 500, { what: 'writes while it follows' });
    await writer.stop();
    await running.commit();
    await assertInStep((namespace, { ledgerCount = 0 }) => namespace !== 'shop.orders' || ledgerCount % 2 === 0);
  });

  test('is not held up at the cutover by writers of other documents', { skip }, async () => {
    await fresh();
    await using running = RunningMigration.start(pair, { documentFilters: IN_REGION });
    await running.untilReady();
    const stop = new AbortController();
    const write = async (region: string) => {
      for (let n = -1; !stop.signal.aborted; n -= 1) await orders().insertOne({ n, region });
    };
    const others = write('south');
    await running.commit();
    stop.abort();
    await others;
    await assertInStep(inRegion);
  });

  test('ends at the cutover when its own documents are still written', async () => {
    await fresh();
    await using running = RunningMigration.start(pair, { documentFilters: IN_REGION });
    await running.untilReady();
    const stop = new AbortController();
    const write = async () => {
      for (let n = 0; !stop.signal.aborted; n += 1) await orders().updateOne({ n: 3 }, { $set: { written: n } });
    };
    const writing = write();
    running.steering.cutOver();
    await assert.rejects(running.outcome, { code: 'SOURCE_STILL_WRITTEN' });
    stop.abort();
    await writing;
  });

  test('stays with its collection, and with the name for what is created again; it resumes in another run', {
    skip,
  }, async () => {
    await fresh();
    await using first = RunningMigration.start(pair, { documentFilters: IN_REGION });
    await first.untilReady();
    await first.stop();
    await orders().rename('archive');
    await source
      .db('shop')
      .collection('archive')
      .insertMany([
        { n: -1, region: REGION },
        { n: -2, region: 'south' },
      ]);
    await orders().insertMany([
      { n: 1, region: REGION },
      { n: 2, region: 'south' },
    ]);
    const { migrationId } = first.progress;
    await using other = RunningMigration.start(pair, { migrationId });
    await assert.rejects(other.outcome, { code: 'SELECTION_CHANGED' });
    await using second = RunningMigration.start(pair, { migrationId, documentFilters: IN_REGION });
    await second.untilReady();
    await source
      .db('shop')
      .collection('archive')
      .updateOne({ n: 1 }, { $set: { region: REGION } });
    await second.commit();
    await assertInStep((namespace, { region }) => namespace === 'shop.whole' || region === REGION);
  });

  test('fails with the name when something that was copied without it takes that name', { skip }, async () => {
    await fresh();
    await using running = RunningMigration.start(pair, { documentFilters: IN_REGION });
    await running.untilReady();
    await source.db('shop').collection('whole').rename('orders', { dropTarget: true });
    await assert.rejects(running.outcome, { code: 'NAMESPACE_CONFLICT', message: /shop\.orders.*shop\.whole/ });
  });

  test('fails with the name when $out writes onto it what was known by another name before', { skip }, async () => {
    await fresh();
    await using running = RunningMigration.start(pair, { documentFilters: IN_REGION });
    await running.untilReady();
    const pause = { configureFailPoint: 'outWaitAfterTempCollectionCreation' };
    await source.db('admin').command({ ...pause, mode: 'alwaysOn' });
    const out = source
      .db('shop')
      .collection('whole')
      .aggregate([{ $out: 'orders' }])
      .toArray();
    const names = async () =>
      (await pair.destination.client.db('shop').listCollections().toArray()).map(({ name }) => name);
    await eventually(async () => (await names()).some((name) => name.startsWith('tmp.agg_out')), {
      what: 'the temporary collection on the destination',
    }).finally(() => source.db('admin').command({ ...pause, mode: 'off' }));
    await out;
    await assert.rejects(running.outcome, { code: 'NAMESPACE_CONFLICT', message: /shop\.orders/ });
    assert.equal(await moved().countDocuments({ region: { $ne: REGION } }), 0);
  });

  test('names a filter that fails for one document', async () => {
    await fresh();
    await orders().insertOne({ n: 'no number' });
    const documentFilters = [filterOf('orders', { $expr: { $gte: [{ $toInt: '$n' }, 0] } })];
    await using running = RunningMigration.start(pair, { documentFilters });
    await assert.rejects(running.outcome, { code: 'INVALID_DOCUMENT_FILTER', message: /shop\.orders.*no number/ });
  });

  test('is refused before the first byte where the server or the collection cannot have it, by name', {
    skip,
  }, async () => {
    await fresh();
    await source.db('shop').createCollection('log', { capped: true, size: 4_096 });
    await source.db('shop').createCollection('series', { timeseries: { timeField: 'at' } });
    await source.db('shop').createCollection('view', { viewOn: 'orders', pipeline: [] });
    const optionsOf = (...documentFilters: DocumentFilter[]): MigrationOptions => ({
      migrationId: newId(),
      source: { uri: pair.source.uri },
      destination: { uri: pair.destination.uri },
      dropDestination: false,
      logger: silentLogger,
      documentFilters,
    });
    const findings = await preflight(
      optionsOf(
        filterOf('orders', { n: { $unheard: 1 } }),
        ...['log', 'series', 'view', 'ordres'].map((name) => filterOf(name, { n: 1 })),
      ),
    );
    const errors = findings.filter(({ severity }) => severity === 'ERROR').map(({ message }) => message);
    for (const [index, message] of [
      /shop\.orders is not valid: unknown operator: \$unheard/,
      /shop\.log is not valid: a capped collection can't be filtered/,
      /shop\.series is not valid: a time series can't/,
      /shop\.view is not valid: a view can't/,
      /shop\.ordres is not valid: the source has no such collection/,
    ].entries()) {
      assert.match(errors[index] ?? '', message);
    }
    assert.equal(errors.length, 5, errors.join('\n'));
    const steady = filterOf('orders', { $jsonSchema: { required: ['n'] }, n: { $gt: { $numberLong: '5' } } });
    assert.deepEqual(
      (await preflight(optionsOf(steady))).filter(({ severity }) => severity === 'ERROR'),
      [],
    );
  });
});
