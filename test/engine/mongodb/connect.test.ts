import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { MongoClient } from 'mongodb';
import { connectCluster } from '../../../src/engine/mongodb/connect.ts';
import { createAuthority, type KeyPair, withoutOpenssl } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import type { MongodProcess } from '../../support/mongod-process.ts';
import { type ReplicaSet, startReplicaSet } from '../../support/replica-set.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const NOBODY = 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=50';
/** Credentials with what looks like the end of the credentials, and like options. */
const TRICKY = 'mongodb://u:p%40%3F&x@127.0.0.1:1/?serverSelectionTimeoutMS=50&authSource=admin';

const WEAK = [
  'readPreference=secondary',
  'READPREFERENCE=nearest',
  'readPreference=secondaryPreferred&readPreference=nearest',
  'readPreference=primary&readPreference=secondary',
  'readPreferenceTags=dc:east',
  'maxStalenessSeconds=120',
  'readConcernLevel=local',
  'readConcernLevel=available',
  'w=1',
  'w=0',
  '%77=1',
  'w%3D1=1&w=2',
  'journal=false',
  'j=false',
  'fsync=true',
  'wtimeout=100',
  'wtimeoutMS=100',
  'socketTimeoutMS=1000',
  'timeoutMS=1000',
  'waitQueueTimeoutMS=10',
  'loadBalanced=true',
  'tlsInsecure=true',
  'tlsAllowInvalidCertificates=true',
  'tlsAllowInvalidHostnames=true',
  'proxyHost=proxy.example',
  'proxyPort=1080',
];

const HARMLESS = [
  'readPreference=secondaryPreferred',
  'readPreference=secondaryPreferred&readPreferenceTags=dc:east,use:reports&readPreferenceTags=',
  'readPreference=primary',
  'readConcernLevel=majority',
  'w=majority',
  'journal=true',
  'loadBalanced=false',
  'directConnection=false',
  'retryWrites=true&w=majority',
  'retryReads=true',
  'appName=mine',
  'replicaSet=rs',
  'compressors=zlib',
  'compressors=zlib,zstd',
  'Compressors=zstd',
  'localThresholdMS=5',
  'connectTimeoutMS=500000',
  'heartbeatFrequencyMS=1000',
  'maxPoolSize=5',
];

// id: connection-options-refused
test('what a connection string may not say is refused by name, in whatever form, before anything is dialled', async () => {
  for (const base of [NOBODY, TRICKY]) {
    for (const option of WEAK)
      await assert.rejects(
        connectCluster({ uri: `${base}&${option}` }, 'source'),
        { code: 'WEAK_CONNECTION_OPTION' },
        option,
      );
  }
});

test('an option for which the driver lacks a module is refused by name, not taken for a server out of reach', async () => {
  const unsupported = ['compressors=snappy', 'compressors=zstd,snappy', 'Compressors=Snappy', 'authMechanism=GSSAPI'];
  for (const option of [...unsupported, 'authMechanism=MONGODB-AWS', 'authMechanism=MONGODB-OIDC'])
    await assert.rejects(
      connectCluster({ uri: `${NOBODY}&${option}` }, 'source'),
      { code: 'UNSUPPORTED_CONNECTION_OPTION' },
      option,
    );
});

test('a client certificate authenticates (MONGODB-X509)', { skip: withoutOpenssl }, async () => {
  using folder = temporaryFolder('x509');
  const authority = createAuthority();
  const file = (name: string, text: string) => {
    writeFileSync(join(folder.path, name), text, { mode: 0o600 });
    return join(folder.path, name);
  };
  const together = ({ cert, key }: KeyPair) => cert + key;
  const ca = file('ca.pem', authority.cert);
  const server = file('server.pem', together(authority.issue()));
  const own = file('client.pem', together(authority.issue('mover')));
  await using set = await startReplicaSet({
    auth: true,
    mongodArgs: ['--tlsMode', 'preferTLS', '--tlsCertificateKeyFile', server, '--tlsCAFile', ca],
  });
  const role = { role: 'readAnyDatabase', db: 'admin' };
  await set.client.db('$external').command({ createUser: 'CN=mover', roles: [role] });
  const options = { replicaSet: set.name, tls: 'true', tlsCAFile: ca, tlsCertificateKeyFile: own };
  const query = new URLSearchParams({ ...options, authMechanism: 'MONGODB-X509', authSource: '$external' });
  const uri = `mongodb://127.0.0.1:${set.members[0]?.port}/?${query}`;
  const client = await connectCluster({ uri }, 'source');
  const { authInfo } = await client.db('admin').command({ connectionStatus: 1 });
  await client.close();
  assert.deepEqual(authInfo.authenticatedUsers, [{ user: 'CN=mover', db: '$external' }]);
});

// id: connection-options-taken
test('what a connection string may say is taken, and never makes a silent server go unnoticed for longer', async () => {
  for (const option of HARMLESS)
    await assert.rejects(
      connectCluster({ uri: `${NOBODY}&${option}` }, 'source'),
      { code: 'SOURCE_UNREACHABLE' },
      option,
    );
  await using set = await startReplicaSet();
  const patient = 'connectTimeoutMS=500000&heartbeatFrequencyMS=900000&maxIdleTimeMS=0&maxPoolSize=1&appName=mine';
  const client = await connectCluster({ uri: `${set.uri}&${patient}` }, 'destination');
  const { connectTimeoutMS, heartbeatFrequencyMS, maxIdleTimeMS, retryWrites, appName } = client.options;
  await client.close();
  assert.ok(connectTimeoutMS > 0 && connectTimeoutMS + heartbeatFrequencyMS <= 15_000);
  assert.equal(maxIdleTimeMS, 60_000);
  assert.deepEqual([retryWrites, appName], [false, 'linkspan-destination']);
});

test('a direct connection is one to a lone member only: another may become primary', async (t) => {
  const direct = (port: number | undefined) =>
    connectCluster({ uri: `mongodb://127.0.0.1:${port}/?directConnection=true` }, 'source');
  const refused = { code: 'WEAK_CONNECTION_OPTION', message: /directConnection/ };

  await t.test('the only member is accepted', async () => {
    await using set = await startReplicaSet();
    await (await direct(set.members[0]?.port)).close();
  });

  await t.test('one of three members, and a hidden member, is refused', async () => {
    await using set = await startReplicaSet({ members: 3 });
    await assert.rejects(direct(set.members[0]?.port), refused);
    const hidden = await hideAllButThePrimary(set);
    assert.equal(hidden.length, 2);
    for (const { port } of hidden) await assert.rejects(direct(port), refused);
    await (await direct((await set.primary()).port)).close();
  });
});

/** Hides the secondaries, so that only the primary can become primary. */
async function hideAllButThePrimary(set: ReplicaSet): Promise<MongodProcess[]> {
  const primary = await set.primary();
  await using client = new MongoClient(`mongodb://127.0.0.1:${primary.port}/?directConnection=true`);
  const admin = client.db('admin');
  const { config } = await admin.command({ replSetGetConfig: 1 });
  for (const member of config.members) {
    if (member.host.endsWith(`:${primary.port}`)) continue;
    Object.assign(member, { priority: 0, hidden: true });
  }
  await admin.command({ replSetReconfig: { ...config, version: config.version + 1 } });
  const hidden = set.members.filter(({ port }) => port !== primary.port);
  await Promise.all(hidden.map(untilHidden));
  return hidden;
}

async function untilHidden({ port }: MongodProcess): Promise<void> {
  await using client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`);
  const isHidden = async () => (await client.db('admin').command({ hello: 1 })).hidden === true;
  await eventually(isHidden, { what: 'a member to know that it is hidden' });
}
