import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { BSON, type Document, MongoClient, type Timestamp } from 'mongodb';
import { keyOf } from '../../src/engine/bson/document-key.ts';
import { digestCluster } from '../../src/engine/compare-clusters/digest-cluster.ts';
import { findCollatedKey, RepeatedId, refuseRepeatedKey } from '../../src/engine/mongodb/repeated-ids.ts';
import { silentLogger } from '../../src/platform/index.ts';
import { onceAt } from '../engine/reach-points.ts';
import { eventually } from '../support/eventually.ts';
import { runAsIs } from '../support/router/run-as-is.ts';
import { type ShardedCluster, startShardedCluster } from '../support/sharded-cluster.ts';
import { shardInTwo } from './sharded-shop.ts';

interface Person {
  _id: string;
  region: string;
}

const SNAPSHOT_TOO_OLD = 239;
/** A digest waits until a change stream has passed each shard. */
const QUICK = { periodicNoopIntervalSecs: 1 };

suite('reads of several shards at one time', () => {
  const resources = new AsyncDisposableStack();
  let source: ShardedCluster;
  /** Clients of the two routers. */
  let one: MongoClient;
  let other: MongoClient;

  before(async () => {
    source = resources.use(await startShardedCluster({ routers: 2, setParameters: QUICK }));
    const clientOf = (uri: string) => resources.adopt(new MongoClient(uri), (client) => client.close());
    [one, other] = source.routerUris.map(clientOf) as [MongoClient, MongoClient];
  });

  after(() => resources.disposeAsync());

  beforeEach(async () => {
    await source.client.db('shop').dropDatabase();
    await source.createDatabase('shop', source.shards[0]?.name ?? '');
    const simple = { collation: { locale: 'simple' } };
    await source.client.db('shop').createCollection('people', { collation: { locale: 'en', strength: 2 } });
    await people().createIndex({ region: 1 }, simple);
    await shardInTwo(source, 'shop.people', { region: 'b' }, simple);
    await people().insertMany([
      { _id: 'p', region: 'asia' },
      { _id: 'q', region: 'europe' },
    ]);
  });

  const people = () => one.db('shop').collection<Person>('people');
  const key = keyOf(Buffer.from(BSON.serialize({ _id: 'p' })));
  const place = { database: 'shop', name: 'people' };
  const through = (router: number, db: string, command: Document) =>
    runAsIs(source.routers[router]?.port ?? 0, db, command);

  /** Inserts a second document through the first router, and returns a time that the second router hasn't heard of yet. */
  async function insertUnheard(_id: string): Promise<Timestamp> {
    let written: Timestamp | undefined;
    const isUnheard = async () => {
      await people().deleteOne({ _id, region: 'europe' });
      await through(1, 'admin', { ping: 1 });
      const reply = await through(0, 'shop', { insert: 'people', documents: [{ _id, region: 'europe' }] });
      written = reply.operationTime;
      const { $clusterTime } = await through(1, 'admin', { ping: 1 });
      return $clusterTime.clusterTime.lessThan(written);
    };
    await eventually(isUnheard, { what: 'a write that the second router does not know' });
    assert.ok(written);
    return written;
  }

  test('a router shows all that it has answered, on shards that are ahead of the others, too', async () => {
    const find = { find: 'people', filter: {}, readConcern: { level: 'snapshot' } };
    for (let n = 0; n < 5; n++) {
      // The second shard's clock is ahead of the first one's, which reads for this router.
      await through(0, 'shop', { insert: 'people', documents: [{ _id: `late ${n}`, region: 'europe' }] });
      const { cursor } = await through(0, 'shop', find);
      assert.equal(cursor.firstBatch.length, 3 + n);
      assert.ok(cursor.atClusterTime);
    }
  });

  test('a second document is found through a router that has not heard of it, when the time is given', async () => {
    const from = await insertUnheard('p');
    await assert.rejects(refuseRepeatedKey(other, place, key, { from }), RepeatedId);
  });

  test('and so is one that the collation makes equal', async () => {
    const from = await insertUnheard('P');
    assert.ok(await findCollatedKey(other, place, [key], { from }));
  });

  const digest = () =>
    digestCluster({ cluster: { uri: source.routerUris[0] ?? '' }, logger: silentLogger }, AbortSignal.timeout(60_000));

  test('a digest does not count two documents of one _id, although one of them is deleted meanwhile', async () => {
    await people().insertOne({ _id: 'p', region: 'europe' });
    using _ = onceAt('engine.digest.time-chosen', () => people().deleteOne({ _id: 'p', region: 'europe' }));
    await assert.rejects(digest(), { code: 'ID_ON_TWO_SHARDS' });
  });

  test('a digest without a snapshot reads again when a key that it met twice has one document now', async () => {
    await people().insertOne({ _id: 'p', region: 'europe' });
    const data = { failCommands: ['find'], errorCode: SNAPSHOT_TOO_OLD, namespace: 'shop.people' };
    await source.shards[0]?.failCommand({ mode: { times: 1 }, data: { ...data, failInternalCommands: true } });
    using met = onceAt('engine.digest.repetition-met', () => people().deleteOne({ _id: 'p', region: 'europe' }));
    const report = await digest();
    await met.result;
    assert.ok(met.result);
    const [collection] = report.collections;
    assert.partialDeepStrictEqual(collection, { count: 2, atClusterTime: false });
  });
});
