import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Privileges } from '../../../src/engine/mongodb/privileges.ts';
import { checkOplog } from '../../../src/engine/preflight/checks/oplog.ts';
import { checkSharded } from '../../../src/engine/preflight/checks/sharded.ts';
import { checkCluster } from '../../../src/engine/preflight/checks/versions.ts';
import { describeCluster } from '../../../src/engine/preflight/inspect-cluster.ts';
import { createAuthority, withoutOpenssl } from '../../support/certificates.ts';
import { startStandalone } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { type Case, CheckedClusters, expectFindings, nobody } from './checked-clusters.ts';

describe('a look at two clusters', { skip: needsSource('6.0', 'its findings are others') }, () => {
  const clusters = CheckedClusters.forTests();

  const CASES: readonly Case[] = [
    ['a text that is no connection string', () => ({ source: 'mongo://x' }), [['INVALID_CONNECTION_STRING', /source/]]],
    [
      'an option that weakens reads',
      () => ({ destination: `${clusters.uris.destination}&readPreference=secondary` }),
      [['WEAK_CONNECTION_OPTION', /readPreference/]],
    ],
    [
      'two clusters that no one answers for',
      () => ({ source: nobody(), destination: nobody() }),
      [
        ['SOURCE_UNREACHABLE', /127\.0\.0\.1:1/],
        ['DESTINATION_UNREACHABLE', /127\.0\.0\.1:1/],
      ],
    ],
    [
      'what there is to say of one cluster where no one answers for the other',
      () => ({ source: clusters.source.uriFor('reader', 'secret'), destination: nobody() }),
      [
        ['MISSING_PRIVILEGE', /^User admin\.reader on the source lacks .*appendOplogNote.*setUserWriteBlockMode/],
        ['DESTINATION_UNREACHABLE', /127\.0\.0\.1:1/],
      ],
    ],
    [
      'a wrong password',
      () => ({ source: clusters.source.uriFor('mover', 'wrong') }),
      [['AUTHENTICATION_FAILED', /source/]],
    ],
    [
      'no user where one is needed',
      () => ({ source: clusters.uris.source.replace(/mover:secret@/, ''), destination: clusters.uris.destination }),
      [['AUTHENTICATION_REQUIRED', /^The source requires authentication/]],
    ],
    [
      'a wrong name of a replica set, and which one the server has',
      () => ({
        destination: `${clusters.uris.destination.replace(/replicaSet=[^&]+/, 'replicaSet=other')}&serverSelectionTimeoutMS=500`,
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
      () => ({ source: clusters.source.uriFor('mover', 'secret').replace('secret', 'sec@re/t') }),
      [['INVALID_CONNECTION_STRING', /^(?!.*sec|.*re\/t).*percent-encoded.*%40/]],
    ],
    [
      'a host elsewhere without TLS',
      // Another form of 127.0.0.1 that Linkspan does not take for this host.
      () => ({ source: clusters.uris.source.replace('127.0.0.1', '0x7f000001') }),
      [['CONNECTION_NOT_ENCRYPTED', /source/]],
    ],
    [
      'TLS where the server has none',
      () => ({ source: `${clusters.uris.source}&tls=true&serverSelectionTimeoutMS=500` }),
      [['TLS_FAILED', /source/]],
    ],
    ['one cluster twice', () => ({ source: clusters.destination.uri, once: true }), [['SAME_CLUSTER', /same/]]],
    [
      'one cluster twice before all that could be wrong with it',
      () => ({ source: clusters.destination.uri, usersAndRoles: true, reversible: true }),
      [['SAME_CLUSTER', /same/]],
    ],
  ];
  for (const [what, changes, expected] of CASES) {
    test(`finds ${what}`, async () => expectFindings(await clusters.check(changes()), expected));
  }

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
      expectFindings(await clusters.check({ source: `${tls.uri}?${query}`, once: true }), [[code, message]]);
    }
  });

  test('finds what is different with a sharded source, and a collection that is being resharded', async () => {
    const { client } = clusters.source;
    const from = { ...(await describeCluster(client)), sharded: true };
    const codes = async (options: { readonly once: boolean }) => {
      const found = await checkSharded({ source: client, from, options });
      return found.map(({ error }) => error.code);
    };
    // A config server has these parts of it.
    const operations = client.db('config').collection('reshardingOperations');
    await operations.insertOne({ ns: 'shop.orders', state: 'cloning' });
    assert.deepEqual(await codes({ once: false }), [
      'RESHARDING_UNDER_WAY',
      'SHARDED_SOURCE_EXPERIMENTAL',
      'SHARDED_BLOCK_WAITS',
    ]);
    await operations.deleteMany({});
    assert.deepEqual(await codes({ once: true }), ['SHARDED_SOURCE_EXPERIMENTAL']);
    // A shard at whose address another server answers.
    const shards = client.db('config').collection<{ _id: string; host: string }>('shards');
    const [host] = client.options.hosts;
    const { setName } = await client.db('admin').command({ hello: 1 });
    await shards.insertOne({ _id: 'rs0', host: `${setName}/${host}` });
    const copyTime = async () => ({ seconds: 0, bytesPerSecond: 1, restsOn: 'ASSUMPTION' }) as const;
    const oplogs = await checkOplog({ source: client, from, copyTime });
    assert.deepEqual(
      oplogs.map(({ error }) => [error.code, error.parameters[0]]),
      [['SHARD_OPLOGS_UNSEEN', 'rs0 (another server has its address)']],
    );
    await shards.insertOne({ _id: 'config', host: `${setName}/${host}` });
    assert.deepEqual(await codes({ once: false }), [
      'CONFIG_SHARD',
      'SHARDED_SOURCE_EXPERIMENTAL',
      'SHARDED_BLOCK_WAITS',
    ]);
    assert.deepEqual(await codes({ once: true }), ['SHARDED_SOURCE_EXPERIMENTAL']);
    await shards.deleteMany({});
    assert.deepEqual(await checkSharded({ source: client, from: await describeCluster(client), options: {} }), []);
  });

  test('accepts a sharded cluster of 6.0 as a source, and as nothing else', async () => {
    // `test/sharded` has sharded clusters. Here the description of a replica set is changed into that of one.
    const described = await describeCluster(clusters.source.client);
    assert.deepEqual(checkCluster(described, 'source', {}), []);
    const sharded = { ...described, sharded: true, replicaSet: false };
    assert.deepEqual(checkCluster(sharded, 'source', {}), []);
    const codes = (...found: Parameters<typeof checkCluster>) => checkCluster(...found).map(({ error }) => error.code);
    assert.deepEqual(codes(sharded, 'destination', {}), ['SHARDED_CLUSTER']);
    assert.deepEqual(codes({ ...sharded, featureCompatibilityVersion: '5.0' }, 'source', {}), ['VERSION_TOO_OLD']);
    const user = { user: 'u', db: 'admin', roles: [] };
    const [missing] = checkCluster({ ...sharded, clusterId: '', privileges: new Privileges(user, []) }, 'source', {});
    assert.match(missing?.error.message ?? '', /find on the database config/);
    assert.doesNotMatch(missing?.error.message ?? '', /replSetGetConfig/);
  });
});
