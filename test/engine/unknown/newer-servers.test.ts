import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type Document, MongoClient, Timestamp } from 'mongodb';
import { readUnstreamedWrites, UNKNOWN } from '../../../src/engine/capture/unstreamed-writes.ts';
import { digestCluster, preflight } from '../../../src/engine/index.ts';
import { sourceFeatures } from '../../../src/engine/mongodb/server-features.ts';
import { newId, silentLogger, systemClock } from '../../../src/platform/index.ts';
import { batchOf, type Dialect, type Rewrites, startDialect } from '../../support/dialect.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { emptyPair, numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { verify } from '../compare-clusters/verify-pair.ts';
import { onceAt } from '../reach-points.ts';
import { RunningMigration, syncOnce } from '../running-migration.ts';

const BUCKETS = 'system.buckets.';
const HIDDEN = ['system.views', 'readings', `${BUCKETS}readings`];
/** Waits of seconds take a tenth of one. */
const quick = {
  ...systemClock,
  sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(Math.min(ms, 100), signal),
};

const NINE: Rewrites = {
  buildInfo: (reply) => {
    reply.version = '9.0.2';
  },
  getParameter: ({ featureCompatibilityVersion: level }) => {
    if (level !== undefined) level.version = '9.0';
  },
};

/** Lists time series, and hides their events, as MongoDB 9.0 does. */
const VIEWLESS: Rewrites = {
  listCollections: (reply) => {
    const all = batchOf(reply);
    const uuidOf = (name: string) => all.find((one) => one.name === BUCKETS + name)?.info.uuid;
    for (const one of all) if (one.type === 'timeseries') one.info.uuid = uuidOf(one.name);
    keepOnly(reply, ({ name }) => !name.startsWith(BUCKETS));
  },
  // Also without those of the view, which 6.0 has in its place.
  ...ofEvents((reply) => keepOnly(reply, ({ ns }) => !HIDDEN.includes(ns?.coll))),
};

describe('a dialect of a newer server (no real one)', {
  skip: needsSource('6.0', 'its catalog has to stand still'),
}, () => {
  let pair: ReplicaSetPair;
  let source: Dialect;
  let destination: Dialect;
  before(async () => {
    pair = await startPair();
    source = await startDialect(pair.source, {});
    destination = await startDialect(pair.destination, {});
  });
  after(async () => {
    await source[Symbol.asyncDispose]();
    await destination[Symbol.asyncDispose]();
    await pair[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    for (const side of [source, destination]) side.speak({});
    await emptyPair(pair);
    await shop().collection('items').insertMany(numbered(10));
  });

  const shop = () => pair.source.client.db('shop');
  const clusters = () => ({ source, destination });
  const addSeries = async () => {
    await shop().createCollection('readings', { timeseries: { timeField: 'at' } });
    await shop().collection('readings').insertOne({ at: new Date(), n: 1 });
  };
  const errors = async (options: { readonly acceptUntriedVersion?: boolean; readonly reversible?: boolean } = {}) => {
    const sides = { source: { uri: source.uri }, destination: { uri: destination.uri } };
    const findings = await preflight({
      migrationId: newId(),
      dropDestination: false,
      logger: silentLogger,
      ...sides,
      ...options,
    });
    return findings.filter(({ severity }) => severity === 'ERROR').map(({ code, message }) => `${code} ${message}`);
  };
  const compare = (options = {}) => verify(clusters() as unknown as ReplicaSetPair, options);
  const digest = () =>
    digestCluster({ cluster: { uri: source.uri }, logger: silentLogger }, new AbortController().signal);
  const waits = async (running: RunningMigration, reason: RegExp) =>
    await running.until(`a wait for ${reason}`, ({ waiting }) => waiting.some((wait) => reason.test(wait.reason)));

  // id: time-series-of-9
  test('a time series as MongoDB 9.0 lists it is named: by a plan, sync, verify on either side, and digest', async () => {
    await addSeries();
    const reason = /shop\.readings .* a time series without a collection of buckets/;
    source.speak(VIEWLESS);
    assert.match((await errors()).join(), reason);
    await assert.rejects(syncOnce(clusters(), { once: true }), { code: 'UNSUPPORTED_NAMESPACE', message: reason });
    await assert.rejects(compare(), { code: 'NOT_COMPARABLE', message: /shop\.readings of the source/ });
    await assert.rejects(digest(), { code: 'NOT_COMPARABLE', message: reason });
    source.speak({});
    await syncOnce(clusters(), { once: true });
    destination.speak(VIEWLESS);
    await assert.rejects(compare(), { code: 'NOT_COMPARABLE', message: /shop\.readings of the destination/ });
  });

  // id: time-series-of-9-without-event
  test('a time series of MongoDB 9.0 that appears without an event keeps a migration waiting, with its name', async () => {
    source.speak({ ...VIEWLESS, ...NINE });
    destination.speak(NINE);
    await using running = RunningMigration.start(clusters(), { clock: quick });
    await running.untilReady();
    await addSeries();
    await waits(running, /shop\.readings .* without a collection of buckets/);
    await shop().collection('readings').drop();
    await running.commit();
    await expectIdentical(pair);
  });

  // id: time-series-for-9-refused
  test('a time series for a destination of MongoDB 9.0 is refused before anything is made there', async () => {
    await addSeries();
    destination.speak(NINE);
    const [error, ...others] = await errors();
    assert.match(
      error ?? '',
      /^UNSUPPORTED_NAMESPACE shop\.readings .* without a collection of buckets \(MongoDB 9\.0\)/,
    );
    assert.deepEqual(others, []);
    await assert.rejects(syncOnce(clusters()), { code: 'UNSUPPORTED_NAMESPACE' });
    assert.deepEqual(await pair.destination.client.db('shop').listCollections().toArray(), []);
  });

  // id: failback-from-newer
  test('a migration to a newer server is not reversible, by its level or by its version alone', async () => {
    const newer = { acceptUntriedVersion: true, reversible: true };
    for (const rewrites of [NINE, { buildInfo: NINE.buildInfo } as Rewrites]) {
      destination.speak(rewrites);
      assert.match(
        (await errors(newer)).join(),
        /^REVERSE_IMPOSSIBLE .* the source is 6\.0.*, older than the destination with 9\.0\.2/,
      );
    }
  });

  // id: server-newer-than-9
  test('a server newer than MongoDB 9.0 is refused on each side, unless that is accepted', async () => {
    const newer: Rewrites = {
      buildInfo: (reply) => {
        reply.version = '9.1.0';
      },
    };
    destination.speak(newer);
    assert.match((await errors()).join(), /^VERSION_TOO_NEW The destination runs MongoDB 9\.1\.0/);
    await assert.rejects(syncOnce(clusters(), { once: true }), { code: 'VERSION_TOO_NEW' });
    await assert.rejects(compare(), { code: 'VERSION_TOO_NEW', message: /destination/ });
    source.speak(newer);
    assert.equal((await errors()).length, 2);
    await assert.rejects(digest(), { code: 'VERSION_TOO_NEW' });
    assert.deepEqual(await errors({ acceptUntriedVersion: true }), []);
    await syncOnce(clusters(), { once: true, acceptUntriedVersion: true });
    assert.equal((await compare({ acceptUntriedVersion: true })).report.result, 'EQUAL');
  });

  // id: unknown-catalog-fields
  test('an unknown kind of namespace, option and field of an index are named', async () => {
    for (const name of ['kind', 'option']) await shop().createCollection(name);
    await shop().collection('items').createIndex({ n: 1 });
    const listing: Rewrites = {
      listCollections: (reply) => {
        for (const one of batchOf(reply)) {
          if (one.name === 'kind') one.type = 'vectors';
          if (one.name === 'option') one.options.vectorized = true;
        }
      },
      listIndexes: (reply) => {
        for (const one of batchOf(reply)) if (one.name === 'n_1') one.quantization = 'scalar';
      },
    };
    source.speak(listing);
    const found = (await errors()).sort();
    assert.match(
      found[0] ?? '',
      /^UNSUPPORTED_NAMESPACE shop\.items .* indexed by n_1, which has the field quantization/,
    );
    assert.match(found[1] ?? '', /^UNSUPPORTED_NAMESPACE shop\.kind .* of the kind vectors/);
    assert.match(found[2] ?? '', /^UNSUPPORTED_NAMESPACE shop\.option .* with the option vectorized/);
    assert.equal(found.length, 3);
    await assert.rejects(compare(), { code: 'NOT_COMPARABLE', message: /shop\.items .* quantization/ });
    await shop().collection('items').drop();
    await assert.rejects(digest(), { code: 'NOT_COMPARABLE', message: /shop\.kind/ });
  });

  test('a collection waits for an index with an unknown field, with its name, and the index is not made', async () => {
    await using running = RunningMigration.start(clusters(), { clock: quick });
    await running.untilReady();
    source.speak({
      listIndexes: (reply) => {
        for (const one of batchOf(reply)) if (one.name === 'n_1') one.quantization = 'scalar';
      },
    });
    await shop().collection('items').createIndex({ n: 1 });
    await running.until('the name', (progress) =>
      JSON.stringify(progress).includes('has the index n_1, which has the field'),
    );
    assert.equal((await pair.destination.client.db('shop').collection('items').indexes()).length, 1);
    await shop().collection('items').dropIndex('n_1');
    await running.commit();
    await expectIdentical(pair);
  });

  // id: validation-constraint
  test('a collection with the validation level constraint of MongoDB 9.0 is named, and keeps a migration waiting', async () => {
    const constraint: Rewrites = {
      listCollections: (reply) => {
        for (const one of batchOf(reply)) if (one.options.validator) one.options.validationLevel = 'constraint';
      },
    };
    const name = /shop\.items .* validation level constraint/;
    await using running = RunningMigration.start(clusters(), { clock: quick });
    await running.untilReady();
    source.speak(constraint);
    await shop().command({ collMod: 'items', validator: { n: { $gte: 0 } } });
    await waits(running, name);
    assert.match((await errors()).join(), name);
    source.speak({});
    await running.commit();
    await expectIdentical(pair);
  });

  // id: unknown-event
  test('an unknown event is never skipped: a migration waits with its name and resumes, verify and digest are refused', async () => {
    const vectorize = ofEvents((reply) => {
      for (const event of batchOf(reply))
        if (event.operationType === 'createIndexes') event.operationType = 'vectorize';
    });
    source.speak(vectorize);
    const name = /the event vectorize of shop\.items/;
    {
      await using running = RunningMigration.start(clusters());
      await running.untilReady();
      await shop().collection('items').createIndex({ n: 1 });
      await waits(running, name);
      source.speak({});
      await running.commit();
      await expectIdentical(pair);
    }
    await pair.source.client.db('admin').command({ setUserWriteBlockMode: 1, global: false });
    source.speak(vectorize);
    const index = async () => void (await shop().collection('items').createIndex({ other: 1 }));
    {
      using _ = onceAt('engine.compare.chunk-compared', index);
      await assert.rejects(compare(), { code: 'UNKNOWN_OPERATION', message: name });
    }
    await shop().collection('items').dropIndex('other_1');
    using _ = onceAt('engine.digest.documents-read', index);
    await assert.rejects(digest(), { code: 'UNKNOWN_OPERATION', message: name });
  });

  // id: unknown-oplog-operation
  test('an unknown operation of the oplog is never skipped: a migration waits with its name and resumes, verify is refused', async () => {
    const unknown: Rewrites = {
      find: (reply, { find }) => {
        if (find !== 'oplog.rs') return;
        for (const entry of batchOf(reply)) if (entry.op === 'c') Object.assign(entry, { op: 'zz', ns: 'shop.$cmd' });
      },
    };
    const write = async (n: number) =>
      void (await pair.source.client
        .db('admin')
        .command({ applyOps: [{ op: 'i', ns: 'shop.items', o: { _id: n, n } }] }));
    const name = /the operation zz of shop\.\$cmd in the oplog/;
    source.speak(unknown);
    {
      await using running = RunningMigration.start(clusters());
      await running.untilReady();
      await write(100);
      await waits(running, name);
      source.speak({});
      await running.commit();
      await expectIdentical(pair);
    }
    await pair.source.client.db('admin').command({ setUserWriteBlockMode: 1, global: false });
    source.speak(unknown);
    using _ = onceAt('engine.compare.chunk-compared', () => write(101));
    await assert.rejects(compare(), { code: 'UNKNOWN_OPERATION', message: name });
  });

  /** Searches the part of the oplog with one unknown operation, and with the other rewrites of the replies to these reads. */
  const searchUnknown = async (ns: string, rewrite: (reply: Document, request: Document) => void = () => undefined) => {
    await using client = new MongoClient(source.uri);
    const { operationTime: after } = await client.db('admin').command({ ping: 1 });
    const applyOps = [{ op: 'i', ns: 'shop.items', o: { _id: 100 } }];
    const { operationTime: to } = await client.db('admin').command({ applyOps, writeConcern: { w: 'majority' } });
    source.speak({
      find: (reply, request) => {
        for (const entry of batchOf(reply)) if (entry.op === 'c') Object.assign(entry, { op: 'zz', ns });
        rewrite(reply, request);
      },
    });
    return await readUnstreamedWrites(client, sourceFeatures('6.0'), { after, to });
  };

  test("an unknown operation of the server's own databases holds nothing up, and one without a namespace does", async () => {
    assert.equal((await searchUnknown('config.$cmd'))?.isEmpty, true);
    await assert.rejects(searchUnknown(''), { code: 'UNKNOWN_OPERATION', message: /the operation zz/ });
  });

  test('an unknown operation that the oplog discards while the search looks at it is a loss of history', async () => {
    const discard = (reply: Document, { filter, sort }: Document) => {
      if (filter?.ts instanceof Timestamp) keepOnly(reply, () => false);
      if (sort !== undefined) for (const oldest of batchOf(reply)) oldest.ts = new Timestamp({ t: 2 ** 32 - 1, i: 1 });
    };
    assert.equal(await searchUnknown('shop.$cmd', discard), undefined);
  });

  test('the search of the oplog asks for operations and commands that no rule knows, and real servers write none', async () => {
    const planted = [
      { op: 'i', o: { vectorize: 1 } },
      { op: 'c', o: { create: 'items' } },
      { op: 'c', o: { vectorize: 'items' } },
      { op: 'c', o: { upgradeDowngradeViewlessTimeseries: 'items' } },
      { op: 'zz', o: {} },
    ];
    await shop().collection<Document>('entries').insertMany(planted);
    const found = await shop().collection('entries').find(UNKNOWN).toArray();
    assert.deepEqual(
      found.map(({ op, o }) => [op, ...Object.keys(o)]),
      [['c', 'vectorize'], ['c', 'upgradeDowngradeViewlessTimeseries'], ['zz']],
    );
    assert.deepEqual(await pair.source.client.db('local').collection('oplog.rs').find(UNKNOWN).toArray(), []);
  });
});

function ofEvents(rewrite: (reply: Document) => void): Rewrites {
  return { aggregate: rewrite, getMore: rewrite };
}

function keepOnly({ cursor }: Document, isKept: (document: Document) => boolean): void {
  for (const batch of ['firstBatch', 'nextBatch']) if (cursor?.[batch]) cursor[batch] = cursor[batch].filter(isKept);
}
