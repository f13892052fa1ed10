import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Finding, type MigrationOptions, preflight } from '../../../src/engine/index.ts';
import { checkDisk } from '../../../src/engine/preflight/checks/disk.ts';
import { checkCluster } from '../../../src/engine/preflight/checks/versions.ts';
import { describeCluster } from '../../../src/engine/preflight/inspect-cluster.ts';
import { type Look, lookAt } from '../../../src/engine/preflight/look.ts';
import type { PreflightSettings } from '../../../src/engine/preflight/preflight.ts';
import { newId, silentLogger, systemClock } from '../../../src/platform/index.ts';
import { createAuthority, withoutOpenssl } from '../../support/certificates.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { LEAST_ROLES } from '../../support/least-privilege.ts';
import { PLANTING } from '../../support/plant-indexes.ts';
import {
  type ReplicaSet,
  type ReplicaSetPair,
  startPair,
  startReplicaSet,
  startStandalone,
} from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { sourceUser } from '../cutover/source-user.ts';
import { fillCatalog } from './catalog-of-everything.ts';
import { NOTHING } from './nothing.ts';

const CALM = { loadPerProcessor: () => 0 };

/** The finding that the test's own administrator of the source causes in every check. */
const ALWAYS = 'USERS_BYPASS_BLOCK';

type Changes = { source?: string; destination?: string } & Partial<Omit<MigrationOptions, 'source' | 'destination'>>;
/** A code, and what the message says. */
type Expected = readonly [code: string, message: RegExp];

describe('a look at two clusters', { skip: needsSource('6.0', 'its findings are others') }, () => {
  let pair: ReplicaSetPair;
  let uris: { source: string; destination: string };
  before(async () => {
    pair = await startPair({ source: { auth: true }, destination: { auth: true } });
    await pair.source.createUser('mover', 'secret', LEAST_ROLES.source);
    await pair.destination.createUser('mover', 'secret', LEAST_ROLES.destination);
    await pair.source.createUser('reader', 'secret', LEAST_ROLES.source.slice(1));
    uris = { source: pair.source.uriFor('mover', 'secret'), destination: pair.destination.uriFor('mover', 'secret') };
  });
  after(() => pair[Symbol.asyncDispose]());
  checkForLeaks({ sockets: false });

  const look = async (changes: Changes = {}, settings: PreflightSettings = {}): Promise<readonly Finding[]> => {
    const { source, destination } = { ...uris, ...changes };
    const options = { migrationId: newId(), dropDestination: false, logger: silentLogger, ...changes };
    return await preflight(
      { ...options, source: { uri: source }, destination: { uri: destination } },
      { host: CALM, ...settings },
    );
  };

  const finds = (findings: readonly Finding[], expected: readonly Expected[]) => {
    const others = findings.filter(({ code }) => code !== ALWAYS);
    assert.deepEqual(others.map(({ code }) => code).sort(), expected.map(([code]) => code).sort(), show(findings));
    for (const [code, message] of expected) {
      assert.ok(
        others.some((one) => one.code === code && message.test(one.message)),
        `${code} ${message}\n${show(findings)}`,
      );
    }
  };

  test('finds nothing where nothing is wrong but that an administrator can write whenever it likes', async () => {
    await pair.source.client.db('shop').collection('orders').insertOne({ n: 1 });
    await pair.source.client.db('shop').createCollection('series', { timeseries: { timeField: 'at' } });
    const [only, ...others] = await look({}, { measuresReading: true });
    assert.deepEqual(others, []);
    assert.equal(only?.code, ALWAYS);
    assert.match(only?.message ?? '', /: admin\.root\.$/);
    assert.deepEqual(await look({ once: true }), [], 'a copy in one go blocks nobody');
  });

  const CONNECTIONS: readonly [what: string, changes: () => Changes, expected: readonly Expected[]][] = [
    ['a text that is no connection string', () => ({ source: 'mongo://x' }), [['INVALID_CONNECTION_STRING', /source/]]],
    [
      'an option that weakens reads',
      () => ({ destination: `${uris.destination}&readPreference=secondary` }),
      [['WEAK_CONNECTION_OPTION', /readPreference/]],
    ],
    [
      'two clusters that nobody answers for',
      () => ({ source: nobody(), destination: nobody() }),
      [
        ['SOURCE_UNREACHABLE', /127\.0\.0\.1:1/],
        ['DESTINATION_UNREACHABLE', /127\.0\.0\.1:1/],
      ],
    ],
    [
      'what there is to say of one cluster where nobody answers for the other',
      () => ({ source: pair.source.uriFor('reader', 'secret'), destination: nobody() }),
      [
        ['MISSING_PRIVILEGE', /^User admin\.reader on the source lacks .*appendOplogNote.*setUserWriteBlockMode/],
        ['DESTINATION_UNREACHABLE', /127\.0\.0\.1:1/],
      ],
    ],
    [
      'a wrong password',
      () => ({ source: pair.source.uriFor('mover', 'wrong') }),
      [['AUTHENTICATION_FAILED', /source/]],
    ],
    [
      'no user where one is needed',
      () => ({ source: uris.source.replace(/mover:secret@/, ''), destination: uris.destination }),
      [['AUTHENTICATION_REQUIRED', /^The source requires authentication/]],
    ],
    [
      'a wrong name of a replica set, and which one the server has',
      () => ({
        destination: `${uris.destination.replace(/replicaSet=[^&]+/, 'replicaSet=other')}&serverSelectionTimeoutMS=500`,
      }),
      [
        [
          'WRONG_REPLICA_SET',
          /^The server 127\.0\.0\.1:\d+ of the destination belongs to replica set `rs-.+`, but .* says `other`/,
        ],
      ],
    ],
    [
      'a password that is not percent-encoded, and repeats nothing of it',
      () => ({ source: pair.source.uriFor('mover', 'secret').replace('secret', 'sec@re/t') }),
      [['INVALID_CONNECTION_STRING', /^(?!.*sec|.*re\/t).*percent-encoded.*%40/]],
    ],
    [
      'a host elsewhere without TLS',
      // Another word for 127.0.0.1 that does not look like this host.
      () => ({ source: uris.source.replace('127.0.0.1', '0x7f000001') }),
      [['CONNECTION_NOT_ENCRYPTED', /source/]],
    ],
    [
      'TLS where the server has none',
      () => ({ source: `${uris.source}&tls=true&serverSelectionTimeoutMS=500` }),
      [['TLS_FAILED', /source/]],
    ],
    ['one cluster twice', () => ({ source: pair.destination.uri, once: true }), [['SAME_CLUSTER', /same/]]],
    ['a filter that is none', () => ({ filters: { include: [{}] } }), [['INVALID_FILTER', /database/]]],
    [
      'literal names in filters that the source does not have, and patterns that match nothing',
      () => ({
        filters: {
          include: [
            { database: 'shop', collections: ['orders', 'order', 'series'] },
            { database: 'Shop' },
            { databaseRegex: { pattern: '^shops' }, collections: ['orders'] },
            { databaseRegex: { pattern: '^sh' }, collections: ['custmer'] },
            { database: 'shop', collectionsRegex: { pattern: '^or' } },
            { database: 'shop', collectionsRegex: { pattern: '^late' } },
            { database: 'shop', collections: [] },
          ],
          exclude: [
            { database: 'shop', collections: ['lgos'] },
            { databaseRegex: { pattern: '^tmp_' } },
            { database: 'config' },
            { database: 'admin' },
          ],
        },
      }),
      [
        ['FILTER_MATCHES_NOTHING', /^includeNamespaces names `shop\.order`, but the source has nothing with that name/],
        ['FILTER_MATCHES_NOTHING', /^includeNamespaces names `Shop`/],
        ['FILTER_MATCHES_NOTHING', /^includeNamespaces names `custmer` in databases like `\^sh`/],
        ['FILTER_MATCHES_NOTHING', /^includeNamespaces names no collection of `shop`/],
        ['FILTER_MATCHES_NOTHING', /^excludeNamespaces names `shop\.lgos`/],
        ['PATTERN_MATCHES_NOTHING', /^includeNamespaces has databaseRegex `\^shops`/],
        ['PATTERN_MATCHES_NOTHING', /^includeNamespaces has collectionsRegex `\^late`/],
        ['PATTERN_MATCHES_NOTHING', /^excludeNamespaces has databaseRegex `\^tmp_`/],
        ['PART_NOT_BLOCKED', /part/],
      ],
    ],
    [
      'a document filter that the server does not understand, of what is not there',
      () => ({ documentFilters: [{ database: 'shop', collection: 'no', filter: { $no: 1 } }] }),
      [
        ['INVALID_DOCUMENT_FILTER', /\$no/],
        ['INVALID_DOCUMENT_FILTER', /no such collection/],
        ['PART_NOT_BLOCKED', /part/],
      ],
    ],
    [
      'a remap of what is not there',
      () => ({ namespaceRemap: [{ from: { database: 'shp' }, to: { database: 'store' } }] }),
      [['INVALID_REMAP', /shp/]],
    ],
    [
      'two databases for one name',
      () => ({ namespaceRemap: [{ from: { database: 'shop' }, to: { database: 'linkspan_internal' } }] }),
      [['INVALID_REMAP', /not a database for users' data/]],
    ],
    [
      'users and roles of a part',
      () => ({
        filters: { include: [{ database: 'shop' }] },
        usersAndRoles: true,
        source: pair.source.uri,
        destination: pair.destination.uri,
      }),
      [
        ['ACCOUNTS_NEED_WHOLE', /whole/],
        ['ACCOUNTS_KEPT', /root/],
        ['PART_NOT_BLOCKED', /part/],
      ],
    ],
    ['a destination that keeps its data', () => ({ keepDestination: true }), [['DESTINATION_KEPT', /keeps/]]],
    [
      'clocks that are apart',
      () => ({ clock: { ...systemClock, now: () => Date.now() + 60_000 } }),
      [
        ['CLOCKS_DIFFER', /source is 60 s behind/],
        ['CLOCKS_DIFFER', /destination is 60 s behind/],
      ],
    ],
  ];
  for (const [what, changes, expected] of CONNECTIONS) {
    test(`finds ${what}`, async () => finds(await look(changes()), expected));
  }

  test('takes a filter that names a view, a time series or a capped collection', async () => {
    const db = pair.source.client.db('kinds');
    await db.createCollection('view', { viewOn: 'tail', pipeline: [] });
    await db.createCollection('series', { timeseries: { timeField: 'at' } });
    await db.createCollection('tail', { capped: true, size: 4096 });
    for (const name of ['view', 'series', 'tail']) {
      const item = { database: 'kinds', collections: [name] };
      finds(await look({ filters: { include: [item] } }), [['PART_NOT_BLOCKED', /part/]]);
      finds(await look({ filters: { exclude: [item] } }), [['PART_NOT_BLOCKED', /part/]]);
    }
    await db.dropDatabase();
  });

  test('finds certificates and CA files that do not fit, and takes those that do', {
    skip: withoutOpenssl,
  }, async () => {
    using folder = temporaryFolder('preflight-tls');
    const file = (name: string, text: string) => {
      const path = join(folder.path, name);
      writeFileSync(path, text);
      return path;
    };
    const authority = createAuthority();
    const { cert, key } = authority.issue();
    const files = [
      '--tlsCertificateKeyFile',
      file('server.pem', cert + key),
      '--tlsAllowConnectionsWithoutCertificates',
    ];
    const right = file('ca.pem', authority.cert);
    await using tls = await startStandalone({
      mongodArgs: ['--tlsMode', 'requireTLS', '--tlsCAFile', right, ...files],
    });
    const table: readonly [caFile: string, code: string, message: RegExp][] = [
      [right, 'STANDALONE_SERVER', /source/],
      [file('other.pem', createAuthority('Another').cert), 'TLS_FAILED', /source .*(certificate|self.signed)/],
      [file('empty.pem', 'nothing'), 'CA_FILE_UNUSABLE', /empty\.pem.*no certificate/],
      [join(folder.path, 'missing.pem'), 'CA_FILE_UNUSABLE', /missing\.pem.*no such file/],
    ];
    for (const [caFile, code, message] of table) {
      const query = `tls=true&serverSelectionTimeoutMS=1000&tlsCAFile=${encodeURIComponent(caFile)}`;
      finds(await look({ source: `${tls.uri}?${query}`, once: true }), [[code, message]]);
    }
  });

  test('finds a busy host', async () => {
    finds(await look({}, { host: { loadPerProcessor: () => 3.25 } }), [
      ['HOST_BUSY', /load average was 3\.3 per processor/],
    ]);
  });

  test('finds a disk that is too small, unless told not to look or the migration has begun', async () => {
    const options = { migrationId: newId(), ...namedAddresses(uris), dropDestination: false, logger: silentLogger };
    const looks = async (changes: Partial<Look>) =>
      (
        await checkDisk({
          ...(await lookAt(pair.source.client, pair.destination.client, options, {
            host: CALM,
            signal: AbortSignal.timeout(10_000),
            measuresReading: false,
          })),
          // No disk has as much: all else is real.
          sizes: async () => ({ ...NOTHING, storedBytes: 1e18 }),
          ...changes,
        })
      ).map(({ error }) => error.code);
    assert.deepEqual(await looks({}), ['DISK_TOO_SMALL']);
    assert.deepEqual(await looks({ options: { ...options, skipDiskSpaceCheck: true } }), []);
    assert.deepEqual(await looks({ isNew: async () => false }), []);
  });

  test('finds sharded clusters by what they say of themselves', async () => {
    // There is no mongos here: this is what one answers to `hello`.
    const described = await describeCluster(pair.source.client);
    assert.deepEqual(checkCluster(described, 'source', {}), []);
    const [only, ...others] = checkCluster({ ...described, sharded: true }, 'source', {});
    assert.deepEqual([only?.error.code, others], ['SHARDED_CLUSTER', []]);
  });

  test('finds a destination that is in use, and one that is held back', async () => {
    const { client } = pair.destination;
    await client.db('shop').collection('orders').insertOne({});
    finds(await look(), [['DESTINATION_NOT_EMPTY', /the database shop/]]);
    finds(await look({ dropDestination: true }), []);
    const kept = await look({ keepDestination: true });
    finds(kept, [
      ['NAMESPACE_EXISTS', /shop\.orders/],
      ['DESTINATION_KEPT', /keeps/],
    ]);
    assert.equal(kept.find(({ code }) => code === 'NAMESPACE_EXISTS')?.namespace, 'shop.orders');
    await client.db('shop').dropDatabase();

    await pair.destination.createUser('weak', 'secret', LEAST_ROLES.destination.slice(1));
    finds(await look({ destination: pair.destination.uriFor('weak', 'secret') }), [
      ['DESTINATION_UNPROTECTED', /does not block writes of other users/],
    ]);
    for (const set of [pair.source, pair.destination]) await block(set, true);
    finds(await look(), [
      ['WRITES_BLOCKED', /source/],
      ['WRITES_BLOCKED', /destination/],
    ]);
    for (const set of [pair.source, pair.destination]) await block(set, false);
    const level = (version: string) => client.db('admin').command({ setFeatureCompatibilityVersion: version });
    await level('5.0');
    finds(await look(), [
      ['VERSION_TOO_OLD', /destination runs .* 5\.0/],
      ['DESTINATION_OLDER', /older/],
    ]);
    await level('6.0');
  });

  test('finds a user on the source who may not read whose block it has', async () => {
    const { uri } = await sourceUser(pair.source, { readsOplog: false });
    const unseen = (await look({ source: uri })).find(({ code }) => code === 'BLOCK_OWNER_UNSEEN');
    assert.match(unseen?.message ?? '', /may not read its oplog/);
  });

  test('finds users who write through the block by a role of their own, or one that it inherits', async () => {
    const admin = pair.source.client.db('admin');
    const privilege = { resource: { cluster: true }, actions: ['bypassWriteBlockingMode'] };
    await admin.command({ createRole: 'heir', privileges: [], roles: ['read'] });
    await admin.command({ createRole: 'sneaky', privileges: [privilege], roles: [] });
    await pair.source.createUser('heiress', 'secret', ['heir']);
    const named = async () => (await look()).find(({ code }) => code === ALWAYS)?.message;
    assert.match((await named()) ?? '', /: admin\.root\.$/);
    await admin.command({ grantRolesToRole: 'heir', roles: ['sneaky'] });
    assert.match((await named()) ?? '', /: (admin\.heiress, admin\.root|admin\.root, admin\.heiress)\.$/);
    await admin.command({ dropUser: 'heiress' });
  });

  test('finds a source that is not blocked at the cutover', async () => {
    const part = { filters: { include: [{ database: 'shop' }] } };
    finds(await look(part, { measuresReading: true }), [['PART_NOT_BLOCKED', /part/]]);
    const level = (version: string) =>
      pair.source.client.db('admin').command({ setFeatureCompatibilityVersion: version });
    await level('5.0');
    finds(await look(part), [
      ['SOURCE_NOT_BLOCKED', /cannot block its writes/],
      ['UNSUPPORTED_NAMESPACE', /shop\.series .* time series/],
    ]);
    await level('6.0');
    // It is marked from now on as one that an old server may have filled.
    await pair.source.client.db('shop').dropCollection('series');
    await pair.source.client.db('shop').createCollection('series', { timeseries: { timeField: 'at' } });
  });

  test('says what it could not look at, and goes on', async () => {
    const fail = async (command: string, expected: readonly Expected[]) => {
      await pair.source.failCommand({ mode: 'alwaysOn', data: { failCommands: [command], errorCode: 2 } });
      finds(await look(), expected);
      await pair.source.clearFailPoints();
    };
    await fail('listIndexes', [['CHECK_FAILED', /could not check indexes: /]]);
    await fail('serverStatus', [['CHECK_INCOMPLETE', /blocks of writes: /]]);
    await fail('listCollections', [
      ['CHECK_FAILED', /collections, marks of time series, indexes, /],
      ['CHECK_INCOMPLETE', /disk.*documents.*oplog/],
    ]);
  });

  test('answers in its time, with what it has, when servers are slow or silent', async () => {
    const db = pair.source.client.db('many');
    await Promise.all(Array.from({ length: 60 }, (_, n) => db.createCollection(`c${n}`)));
    const slow = (command: string) => ({ failCommands: [command], blockConnection: true, blockTimeMS: 5_000 });
    await pair.source.failCommand({ mode: { skip: 20 }, data: slow('listIndexes') });
    await pair.destination.failCommand({ mode: 'alwaysOn', data: slow('serverStatus') });
    finds(await look({}, { withinMs: 3_000 }), [
      ['CHECK_INCOMPLETE', /the indexes of 42 of 62 collections: there was no/],
      ['CHECK_INCOMPLETE', /blocks of writes: it took too long/],
    ]);
    for (const set of [pair.source, pair.destination]) await set.clearFailPoints();
    await db.dropDatabase();

    await using silent = createServer((socket) => socket.resume());
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as { port: number };
    const source = `mongodb://127.0.0.1:${port}/?serverSelectionTimeoutMS=60000&connectTimeoutMS=500`;
    const startedMs = performance.now();
    finds(await look({ source }, { withinMs: 300 }), [
      ['SOURCE_UNREACHABLE', /did not answer in time|timed out|ECONN/],
    ]);
    assert.ok(performance.now() - startedMs < 3_000);
  });

  test('finds everything at once in a catalog that has it all, each with its namespace', async () => {
    await using source = await startReplicaSet({ setParameters: PLANTING, cacheGigabytes: 1, oplogSizeMegabytes: 20 });
    await fillCatalog(source);
    const findings = await look({
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
      ['INDEX_MODERNISED', 'odd.legacy', /key is/],
      ['INDEXES_AT_LIMIT', 'odd.full', /64 indexes/],
      ['CAPPED_IN_PAUSE', 'odd.capped', /200 MB/],
      ['DOCUMENTS_NEAR_LIMIT', 'big.large', /15\.9 MiB .* sample of 2/],
      [
        'OPLOG_SHORT',
        undefined,
        /covers (less than a minute|1 minute|[2-9] minutes), and the initial copy may take 4,\d{3}(\.\d)? hours.* compare .* repair/,
      ],
    ];
    finds(
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

async function block(set: ReplicaSet, global: boolean): Promise<void> {
  await set.client.db('admin').command({ setUserWriteBlockMode: 1, global });
}

function nobody(): string {
  return 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=300';
}

function namedAddresses({ source, destination }: { source: string; destination: string }) {
  return { source: { uri: source }, destination: { uri: destination } };
}

function show(findings: readonly Finding[]): string {
  return findings.map(({ severity, code, message }) => `${severity} ${code}: ${message}`).join('\n');
}
