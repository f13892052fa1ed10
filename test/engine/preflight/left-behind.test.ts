import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Document } from 'mongodb';
import { examine } from '../../../src/engine/index.ts';
import { newId, silentLogger } from '../../../src/platform/index.ts';
import { batchOf, type Dialect, type Rewrites, startDialect } from '../../support/dialect.ts';
import { type ReplicaSet, type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { CheckedClusters } from './checked-clusters.ts';

const skip = needsSource('6.0', 'it has no cluster parameters');

describe('cluster parameters', { skip }, () => {
  const clusters = CheckedClusters.forTests();

  // id: names-cluster-parameters
  test('finds cluster parameters that were set on the source, and search on a server without it is no finding', async () => {
    const { source, destination } = clusters;
    const keepImages = async (set: ReplicaSet, expireAfterSeconds: number | 'off') =>
      void (await set.client
        .db('admin')
        .command({ setClusterParameter: { changeStreamOptions: { preAndPostImages: { expireAfterSeconds } } } }));
    const found = async (changes: object = {}) =>
      (await clusters.check(changes)).filter(({ code }) => /_LEFT|^CHECK_/.test(code)).map(({ message }) => message);
    assert.deepEqual(await found(), []);
    await keepImages(source, 100);
    const named =
      'Cluster parameters were set on the source: changeStreamOptions. They are not migrated, and the destination does not show the same values.';
    assert.deepEqual(await found(), [named]);
    await keepImages(destination, 200);
    assert.deepEqual(await found(), [named]);
    await keepImages(destination, 100);
    assert.deepEqual(await found(), []);

    await destination.client.db('admin').command({
      createRole: 'noParameters',
      roles: ['readWriteAnyDatabase', 'dbAdminAnyDatabase'],
      privileges: [{ resource: { cluster: true }, actions: ['replSetGetConfig', 'getParameter', 'serverStatus'] }],
    });
    await destination.createUser('blind', 'secret', ['noParameters']);
    assert.deepEqual((await found({ destination: destination.uriFor('blind', 'secret') })).slice(0, 1), [named]);

    const cluster = ['appendOplogNote', 'replSetGetConfig', 'getParameter', 'inprog', 'setUserWriteBlockMode'];
    await source.client.db('admin').command({
      createRole: 'noParameters',
      roles: ['readAnyDatabase'],
      privileges: [{ resource: { cluster: true }, actions: cluster }],
    });
    await source.createUser('blind', 'secret', ['noParameters']);
    const blind = await clusters.check({ source: source.uriFor('blind', 'secret') });
    const incomplete = blind.filter(({ code }) => code === 'CHECK_INCOMPLETE').map(({ message }) => message);
    assert.match(incomplete.join(), /could not check .*cluster parameters and query settings: not authorized/);
    assert.deepEqual(
      blind.filter(({ severity }) => severity === 'ERROR'),
      [],
    );
    for (const set of [source, destination]) await keepImages(set, 'off');
  });
});

describe('what newer servers have and no migration moves (dialect, not a real server)', { skip }, () => {
  let pair: ReplicaSetPair;
  let source: Dialect;
  before(async () => {
    pair = await startPair();
    source = await startDialect(pair.source, {});
    await pair.source.client.db('shop').collection('orders').insertOne({ n: 1 });
    await pair.source.client.db('shop').createCollection('seen', { viewOn: 'orders', pipeline: [] });
  });
  after(async () => {
    await source[Symbol.asyncDispose]();
    await pair[Symbol.asyncDispose]();
  });
  const plan = async (rewrites: Rewrites) => {
    source.speak(rewrites);
    const { findings, searchIndexes } = await examine({
      migrationId: newId(),
      dropDestination: false,
      logger: silentLogger,
      namespaceRemap: [{ from: { database: 'shop' }, to: { database: 'store' } }],
      source,
      destination: pair.destination,
    });
    const found = findings.filter(({ code }) => /_LEFT|^CHECK_/.test(code));
    return { found: found.map(({ code, message }) => [code, message]), searchIndexes };
  };

  // id: names-search-indexes
  test('search indexes are named, with their definitions (dialect, not a real server)', async () => {
    const definition = { mappings: { dynamic: true } };
    const vectors = { name: 'vectors', type: 'vectorSearch', status: 'READY', latestDefinition: { fields: [] } };
    const { found, searchIndexes } = await plan({
      aggregate: searching(({ aggregate }) =>
        aggregate === 'orders' ? [{ name: 'default', latestDefinition: definition }, vectors, { name: 'new' }] : 40602,
      ),
    });
    const [only, ...others] = found;
    assert.match(
      only?.[1] ?? '',
      /not migrated: default of shop\.orders, new of shop\.orders, vectors of shop\.orders\.$/,
    );
    assert.deepEqual([only?.[0], ...others], ['SEARCH_INDEXES_LEFT']);
    const at = { database: 'store', collection: 'orders' };
    assert.deepEqual(searchIndexes, [
      { ...at, name: 'default', type: 'search', definition },
      { ...at, name: 'vectors', type: 'vectorSearch', definition: { fields: [] } },
      { ...at, name: 'new', type: 'search' },
    ]);
  });

  // id: search-indexes-refused
  test('search indexes that the user may not list, or that fail, are said (dialect, not a real server)', async () => {
    for (const code of [6047401, 31082]) assert.deepEqual((await plan({ aggregate: searching(() => code) })).found, []);
    const refused = await plan({ aggregate: searching(() => 13) });
    assert.deepEqual(refused.found, [
      [
        'CHECK_INCOMPLETE',
        'Linkspan could not check the search indexes of 2 collections and views: the user on the source lacks listSearchIndexes.',
      ],
    ]);
    const failed = await plan({ aggregate: searching(() => 125) });
    assert.match(failed.found.join(), /^CHECK_INCOMPLETE,Linkspan could not check search indexes: /);
    assert.equal(failed.searchIndexes, undefined);
  });

  // id: names-query-settings
  test('query settings are named, and not the parameters of the servers (dialect, not a real server)', async () => {
    const parameters = (settingsArray: readonly Document[]): Rewrites => ({
      find: (reply, { find }) => {
        if (find !== 'clusterParameters') return;
        batchOf(reply).push(
          { _id: 'querySettings', settingsArray },
          { _id: 'shardedClusterCardinalityForDirectConns', hasTwoOrMoreShards: true },
          { _id: 'defaultMaxTimeMS', readOperations: 5_000 },
        );
      },
    });
    const settings = { queryShapeHash: 'AB', settings: { reject: true } };
    assert.deepEqual((await plan(parameters([settings, settings]))).found, [
      [
        'QUERY_SETTINGS_LEFT',
        'Query settings were set on the source, for 2 shapes of queries. They are not migrated, and the destination does not show the same.',
      ],
      [
        'CLUSTER_PARAMETERS_LEFT',
        'Cluster parameters were set on the source: defaultMaxTimeMS. They are not migrated, and the destination does not show the same values.',
      ],
    ]);
    assert.equal((await plan(parameters([]))).found.length, 1);
  });
});

/** Answers the listing of search indexes by documents or an error. */
function searching(answer: (request: Document) => readonly Document[] | number): Rewrites['aggregate'] {
  return (reply, request) => {
    if (request.pipeline[0]?.$listSearchIndexes === undefined) return;
    const answered = answer(request);
    for (const field of ['errmsg', 'code', 'codeName']) delete reply[field];
    if (typeof answered === 'number') Object.assign(reply, { ok: 0, code: answered, errmsg: 'no' });
    else Object.assign(reply, { ok: 1, cursor: { id: 0n, ns: 'shop.orders', firstBatch: answered } });
  };
}
