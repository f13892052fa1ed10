import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, test } from 'node:test';
import { checkDisk } from '../../../src/engine/preflight/checks/disk.ts';
import { checkIndexes } from '../../../src/engine/preflight/checks/namespaces.ts';
import { checkOpenFiles, checkVersionsTried } from '../../../src/engine/preflight/checks/server-settings.ts';
import { type Look, lookAt } from '../../../src/engine/preflight/look.ts';
import { openExamined } from '../../../src/engine/run/open-clusters.ts';
import { newId, silentLogger, systemClock } from '../../../src/platform/index.ts';
import { LEAST_ROLES } from '../../support/least-privilege.ts';
import { PLANTING } from '../../support/plant-indexes.ts';
import { type ReplicaSet, startReplicaSet } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { sourceUser } from '../cutover/source-user.ts';
import { RunningMigration } from '../running-migration.ts';
import { fillCatalog } from './catalog-of-everything.ts';
import { ALWAYS, blockWrites, CALM, CheckedClusters, type Expected, expectFindings } from './checked-clusters.ts';
import { NOTHING } from './nothing.ts';

describe('a look at two clusters', { skip: needsSource('6.0', 'its findings are others') }, () => {
  const clusters = CheckedClusters.forTests();
  const migrationOptions = () => ({
    migrationId: newId(),
    source: { uri: clusters.uris.source },
    destination: { uri: clusters.uris.destination },
    dropDestination: false,
    logger: silentLogger,
  });

  test('finds nothing where nothing is wrong but that an administrator can write whenever it likes', async () => {
    const [only, ...others] = await clusters.check({}, { measuresReading: true });
    assert.deepEqual(others, []);
    assert.equal(only?.code, ALWAYS);
    assert.match(only?.message ?? '', /: admin\.root\.$/);
    assert.deepEqual(await clusters.check({ once: true }), [], 'a copy in one go blocks no one');
  });

  test('finds a destination that keeps its data', async () => {
    expectFindings(await clusters.check({ keepDestination: true }), [['DESTINATION_KEPT', /keeps/]]);
  });

  test('finds what would keep a migration from returning to its source', async () => {
    expectFindings(await clusters.check({ reversible: true }), [
      [
        'MISSING_PRIVILEGE',
        /on the source lacks privileges: bypassWriteBlockingMode|on the source lacks privileges: insert/,
      ],
      ['MISSING_PRIVILEGE', /on the destination lacks privileges: appendOplogNote/],
    ]);
    const roles = [...new Set([...LEAST_ROLES.source, ...LEAST_ROLES.destination])];
    for (const set of [clusters.source, clusters.destination]) await set.createUser('both', 'secret', roles);
    const both = {
      source: clusters.source.uriFor('both', 'secret'),
      destination: clusters.destination.uriFor('both', 'secret'),
      reversible: true,
    };
    const find = async (changes: object) =>
      (await clusters.check({ ...both, ...changes })).filter(({ code }) => code === 'REVERSE_IMPOSSIBLE');
    assert.deepEqual(await find({}), []);
    const cases: readonly (readonly [object, RegExp])[] = [
      [{ once: true }, /has no cutover/],
      [{ keepDestination: true }, /keeps other data/],
      [{ filters: { include: [{ database: 'shop' }] } }, /only a part/],
      [{ documentFilters: [{ database: 'shop', collection: 'orders', query: { n: 1 } }] }, /only a part/],
      [{ namespaceRemap: [{ from: { database: 'shop' }, to: { database: 'store' } }] }, /other names/],
    ];
    for (const [changes, reason] of cases) {
      const [first, ...others] = await find(changes);
      assert.match(first?.message ?? '', reason);
      assert.deepEqual(others, []);
    }
    const admin = clusters.source.client.db('admin');
    await admin.command({ setFeatureCompatibilityVersion: '5.0' });
    assert.match((await find({}))[0]?.message ?? '', /can't block its users' writes/);
    await admin.command({ setFeatureCompatibilityVersion: '6.0' });
    for (const set of [clusters.source, clusters.destination])
      await set.client.db('admin').command({ dropUser: 'both' });
    await clusters.source.client.db('shop').dropCollection('series');
    await clusters.source.client.db('shop').createCollection('series', { timeseries: { timeField: 'at' } });
  });

  test('finds clocks that are apart', async () => {
    expectFindings(await clusters.check({ clock: { ...systemClock, now: () => Date.now() + 60_000 } }), [
      ['CLOCKS_DIFFER', /source is 60 s behind/],
      ['CLOCKS_DIFFER', /destination is 60 s behind/],
    ]);
  });

  test('finds a busy host', async () => {
    expectFindings(await clusters.check({}, { host: { loadPerProcessor: () => 3.25 } }), [
      ['HOST_BUSY', /load average was 3\.3 per processor/],
    ]);
  });

  test('finds a disk that is too small, unless told not to look or the migration has begun', async () => {
    const options = migrationOptions();
    const looks = async (changes: Partial<Look>) =>
      (
        await checkDisk({
          ...(await lookAt(clusters.source.client, clusters.destination.client, options, {
            host: CALM,
            signal: AbortSignal.timeout(10_000),
            measuresReading: false,
          })),
          // Larger than any disk. All other values are real.
          sizes: async () => ({ ...NOTHING, storedBytes: 1e18 }),
          ...changes,
        })
      ).map(({ error }) => error.code);
    assert.deepEqual(await looks({}), ['DISK_TOO_SMALL']);
    assert.deepEqual(await looks({ options: { ...options, skipDiskSpaceCheck: true } }), []);
    assert.deepEqual(await looks({ isNew: async () => false }), []);
  });

  test('finds a server that refuses queries without an index, where Linkspan writes', async () => {
    const refuse = async (set: ReplicaSet, notablescan: boolean) =>
      void (await set.client.db('admin').command({ setParameter: 1, notablescan }));
    const refusals = async (changes: object) =>
      (await clusters.check(changes)).filter(({ code }) => code === 'TABLE_SCANS_REFUSED').map((one) => one.message);
    for (const set of [clusters.source, clusters.destination]) await refuse(set, true);
    assert.match((await refusals({})).join(), /^The destination refuses/);
    assert.match((await refusals({ reversible: true })).join(), /^The destination refuses.*,The source refuses/);
    await refuse(clusters.destination, false);
    await using running = RunningMigration.start(clusters, {});
    await running.untilReady();
    await running.steering.cancel(true);
    await refuse(clusters.source, false);
  });

  test('finds versions that Linkspan was not tried with', () => {
    const findings = (from: string, to: string) =>
      checkVersionsTried({ from: { mongoDBVersion: from }, to: { mongoDBVersion: to } }).map(({ error }) => error);
    assert.deepEqual(findings('5.0.4', '6.0.27'), []);
    const [only, ...others] = findings('6.0.5', '7.0.2');
    assert.equal(only?.code, 'VERSION_NOT_TRIED');
    assert.match(only?.message ?? '', /destination, MongoDB 7\.0\.2\. .* on 6\.0, and on a model of 7\.0\.$/);
    assert.deepEqual(others, []);
    const models = ['5.3.0', '6.3.1', '8.1.0', '8.3.2', '9.0.2', '9.0.11', '9.1.0-rc0', '10.0.0'].map(
      (version) => / on 6\.0, and on (.*)\.$/.exec(findings(version, '6.0.5')[0]?.message ?? '')?.[1],
    );
    const named = ['5.0', '6.0', '8.0', '8.2', '9.0.0', '9.0.3'].map((model) => `a model of ${model}`);
    assert.deepEqual(models, [...named, 'no model of it', 'no model of it']);
  });

  // id: finds-versions-members-not
  test('finds versions whose members may not start again after a kill, where unique indexes are converted', async () => {
    const { source, destination } = clusters;
    const seats = source.client.db('shop').collection('seats');
    await seats.createIndex({ seat: 1 }, { unique: true });
    const options = migrationOptions();
    const settings = { host: CALM, signal: AbortSignal.timeout(10_000), measuresReading: false };
    const messages = async (from: string, to: string, changes: object = {}) => {
      const look = await lookAt(source.client, destination.client, { ...options, ...changes }, settings);
      const versions = {
        from: { ...look.from, mongoDBVersion: from },
        to: { ...look.to, mongoDBVersion: to },
      };
      const found = (await checkIndexes({ ...look, ...versions })).map(({ error }) => error);
      assert.ok(found.every(({ code }) => code === 'RECOVERY_MAY_FAIL'));
      return found.map(({ message }) => message);
    };
    const [only, ...others] = await messages('6.0.5', '6.0.26');
    assert.match(only ?? '', /^The destination runs MongoDB 6\.0\.26\. .* indexes of shop\.seats, /);
    assert.deepEqual(others, []);
    assert.deepEqual(await messages('6.0.5', '6.0.27'), []);
    assert.deepEqual(await messages('6.0.5', '7.0.2'), []);
    const [way, ...back] = await messages('6.0.5', '6.0.27', { reversible: true });
    assert.match(way ?? '', /^The source runs MongoDB 6\.0\.5\./);
    assert.deepEqual(back, []);
    await seats.dropIndex('seat_1');
    assert.deepEqual(await messages('6.0.5', '6.0.5', { reversible: true }), [], 'no unique index');
    await seats.drop();
  });

  test('finds a destination that may open fewer files than collections and indexes need', async () => {
    const { client } = clusters.destination;
    const { extra } = (await client.db('admin').command({ hostInfo: 1 })).extra;
    const ofCollections = async (collections: number) =>
      await checkOpenFiles({ destination: client, sizes: async () => ({ ...NOTHING, collections }) });
    assert.deepEqual(await ofCollections(Math.floor(extra.maxOpenFiles / 4)), []);
    const [only] = await ofCollections(Math.floor(extra.maxOpenFiles / 4) + 1);
    assert.equal(only?.error.code, 'FILE_LIMIT_LOW');
  });

  test('finds a destination that is in use, and one that is held back', async () => {
    const { client } = clusters.destination;
    await client.db('shop').collection('orders').insertOne({});
    expectFindings(await clusters.check(), [['DESTINATION_NOT_EMPTY', /the database shop/]]);
    expectFindings(await clusters.check({ dropDestination: true }), []);
    const kept = await clusters.check({ keepDestination: true });
    expectFindings(kept, [
      ['NAMESPACE_EXISTS', /shop\.orders/],
      ['DESTINATION_KEPT', /keeps/],
    ]);
    assert.equal(kept.find(({ code }) => code === 'NAMESPACE_EXISTS')?.namespace, 'shop.orders');
    await client.db('shop').dropDatabase();

    await clusters.destination.createUser('weak', 'secret', LEAST_ROLES.destination.slice(1));
    expectFindings(await clusters.check({ destination: clusters.destination.uriFor('weak', 'secret') }), [
      ['DESTINATION_UNPROTECTED', /does not block writes of other users/],
      // It may not see the users of the destination.
      ['USERS_STAY', /: admin\.root, admin\.reader\.$/],
    ]);
    for (const set of [clusters.source, clusters.destination]) await blockWrites(set, true);
    expectFindings(await clusters.check(), [
      ['WRITES_BLOCKED', /source/],
      ['WRITES_BLOCKED', /destination/],
    ]);
    for (const set of [clusters.source, clusters.destination]) await blockWrites(set, false);
    const level = (version: string) => client.db('admin').command({ setFeatureCompatibilityVersion: version });
    await level('5.0');
    expectFindings(await clusters.check(), [
      ['VERSION_TOO_OLD', /destination runs .* 5\.0/],
      ['DESTINATION_OLDER', /older/],
    ]);
    await level('6.0');
  });

  test('finds a user on the source who may not read whose block it has, or not all that tells it', async () => {
    const { uri } = await sourceUser(clusters.source, { readsOplog: false });
    const admin = clusters.source.client.db('admin');
    await admin.command({ createRole: 'blindReads', privileges: [], roles: [] });
    await admin.command({ grantRolesToUser: 'blind', roles: ['blindReads'] });
    const oplog = { db: 'local', collection: 'oplog.rs' };
    const block = { db: 'config', collection: 'user_writes_critical_sections' };
    for (const resources of [[], [oplog], [block]]) {
      const privileges = resources.map((resource) => ({ resource, actions: ['find'] }));
      await admin.command({ updateRole: 'blindReads', privileges, roles: [] });
      const unseen = (await clusters.check({ source: uri })).find(({ code }) => code === 'BLOCK_OWNER_UNSEEN');
      assert.match(unseen?.message ?? '', /may not read its oplog/, resources[0]?.collection);
    }
    await admin.command({ dropUser: 'blind' });
  });

  test('finds users who write through the block by a role of their own, or one that it inherits', async () => {
    const admin = clusters.source.client.db('admin');
    const privilege = { resource: { cluster: true }, actions: ['bypassWriteBlockingMode'] };
    await admin.command({ createRole: 'heir', privileges: [], roles: ['read'] });
    await admin.command({ createRole: 'sneaky', privileges: [privilege], roles: [] });
    await clusters.source.createUser('heiress', 'secret', ['heir']);
    const named = async () => (await clusters.check()).find(({ code }) => code === ALWAYS)?.message;
    assert.match((await named()) ?? '', /: admin\.root\.$/);
    await admin.command({ grantRolesToRole: 'heir', roles: ['sneaky'] });
    assert.match((await named()) ?? '', /: (admin\.heiress, admin\.root|admin\.root, admin\.heiress)\.$/);
    await admin.command({ dropUser: 'heiress' });
  });

  test('finds a source that is not blocked at the cutover', async () => {
    const part = { filters: { include: [{ database: 'shop' }] } };
    expectFindings(await clusters.check(part, { measuresReading: true }), [['PART_NOT_BLOCKED', /part/]]);
    const level = (version: string) =>
      clusters.source.client.db('admin').command({ setFeatureCompatibilityVersion: version });
    await level('5.0');
    expectFindings(await clusters.check(part), [
      ['SOURCE_NOT_BLOCKED', /cannot block its writes/],
      ['UNSUPPORTED_NAMESPACE', /shop\.series .* time series/],
    ]);
    await level('6.0');
    // The downgrade marked it as possibly filled by an older server, so it is replaced.
    await clusters.source.client.db('shop').dropCollection('series');
    await clusters.source.client.db('shop').createCollection('series', { timeseries: { timeField: 'at' } });
  });

  test('says what it could not look at, and continues', async () => {
    const fail = async (command: string, expected: readonly Expected[]) => {
      await clusters.source.failCommand({ mode: 'alwaysOn', data: { failCommands: [command], errorCode: 2 } });
      expectFindings(await clusters.check(), expected);
      await clusters.source.clearFailPoints();
    };
    await fail('listIndexes', [['CHECK_FAILED', /could not check indexes: /]]);
    await fail('serverStatus', [['CHECK_INCOMPLETE', /blocks of writes, the order of the documents: /]]);
    await fail('listCollections', [
      ['CHECK_FAILED', /collections, time series, indexes, /],
      ['CHECK_INCOMPLETE', /disk.*documents.*oplog/],
    ]);
  });

  test('has a run check by itself what it could not look at in time', async () => {
    const open = async () => {
      const { source, destination } = clusters.uris;
      const options = { migrationId: newId(), dropDestination: false, logger: silentLogger };
      const opened = await openExamined({ ...options, source: { uri: source }, destination: { uri: destination } });
      await Promise.all([opened.clusters?.source.close(), opened.clusters?.destination.close()]);
      return [opened.isRefused, opened.clusters !== undefined];
    };
    assert.deepEqual(await open(), [false, true]);
    await clusters.source.failCommand({ mode: 'alwaysOn', data: { failCommands: ['serverStatus'], errorCode: 2 } });
    assert.deepEqual(await open(), [false, false]);
    await clusters.source.clearFailPoints();
  });

  test('answers in its time, with what it has, when servers are slow or silent', async () => {
    const db = clusters.source.client.db('many');
    await Promise.all(Array.from({ length: 60 }, (_, n) => db.createCollection(`c${n}`)));
    const slow = (command: string) => ({ failCommands: [command], blockConnection: true, blockTimeMS: 5_000 });
    await clusters.source.failCommand({ mode: { skip: 20 }, data: slow('listIndexes') });
    await clusters.destination.failCommand({ mode: 'alwaysOn', data: slow('serverStatus') });
    expectFindings(await clusters.check({}, { withinMs: 3_000 }), [
      ['CHECK_INCOMPLETE', /the indexes of 42 of 62 collections: there was no/],
      ['CHECK_INCOMPLETE', /blocks of writes: it took too long/],
    ]);
    for (const set of [clusters.source, clusters.destination]) await set.clearFailPoints();
    await db.dropDatabase();

    await using silent = createServer((socket) => socket.resume());
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as { port: number };
    const source = `mongodb://127.0.0.1:${port}/?serverSelectionTimeoutMS=60000&connectTimeoutMS=500`;
    const startedMs = performance.now();
    expectFindings(await clusters.check({ source }, { withinMs: 300 }), [
      ['SOURCE_UNREACHABLE', /did not answer in time|timed out|ECONN/],
    ]);
    // Far less than the driver would wait for a server, and far more than a busy machine needs.
    assert.ok(performance.now() - startedMs < 30_000);
  });

  test('finds everything at once in a catalog that has it all, each with its namespace', async () => {
    await using source = await startReplicaSet({ setParameters: PLANTING, cacheGigabytes: 1, oplogSizeMegabytes: 20 });
    await fillCatalog(source);
    const findings = await clusters.check({
      source: source.uri,
      namespaceRemap: [{ from: { database: 'big' }, to: { database: 'SHOP' } }],
      copyBytesPerSecond: 1,
    });
    const expected: readonly [code: string, namespace: string | undefined, message: RegExp][] = [
      ['UNSUPPORTED_NAMESPACE', 'odd.secret', /queryable encryption/],
      ['UNSUPPORTED_NAMESPACE', 'odd.twins', /twice alike, by one and two/],
      ['UNSUPPORTED_NAMESPACE', 'odd.early', /expireAfterSeconds is below 0/],
      ['NAMESPACE_CONFLICT', 'Linkspan_Internal', /only by case/],
      ['NAMESPACE_CONFLICT', 'shop', /the database big/],
      ['INDEX_MODERNISED', 'odd.legacy', /of odd\.legacy .*key is/],
      ['INDEX_MODERNISED', 'odd.twins', /of odd\.twins .*key is/],
      ['INDEXES_AT_LIMIT', 'odd.full', /64 indexes/],
      ['DOCUMENTS_NEAR_LIMIT', 'big.large', /up to 16\.[67] MB in a sample of 2/],
      [
        'OPLOG_SHORT',
        undefined,
        /covers (less than a minute|1 minute|[2-9] minutes), and the initial sync may take 4,\d{3}(\.\d)? hours.* compare .* repair/,
      ],
    ];
    expectFindings(
      findings,
      expected.map(([code, , message]) => [code, message]),
    );
    for (const [code, namespace, message] of expected) {
      const one = findings.find((finding) => finding.code === code && message.test(finding.message));
      assert.equal(one?.namespace, namespace, code);
      assert.ok((one?.remedy ?? '').length > 20, `${code} says what to do`);
    }
  });
});
