import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
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
      'two clusters that nobody answers for',
      () => ({ source: nobody(), destination: nobody() }),
      [
        ['SOURCE_UNREACHABLE', /127\.0\.0\.1:1/],
        ['DESTINATION_UNREACHABLE', /127\.0\.0\.1:1/],
      ],
    ],
    [
      'what there is to say of one cluster where nobody answers for the other',
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

  test('finds sharded clusters by what they say of themselves', async () => {
    // The tests have no mongos, so this replaces its reply to `hello`.
    const described = await describeCluster(clusters.source.client);
    assert.deepEqual(checkCluster(described, 'source', {}), []);
    const [only, ...others] = checkCluster({ ...described, sharded: true }, 'source', {});
    assert.deepEqual([only?.error.code, others], ['SHARDED_CLUSTER', []]);
  });
});
