import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectCluster } from '../../../src/engine/cluster/connect.ts';
import { startReplicaSet } from '../../support/replica-set.ts';

const NOBODY = 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=50';
/** Credentials with what looks like the end of the credentials, and like options. */
const TRICKY = 'mongodb://u:p%40%3F&x@127.0.0.1:1/?serverSelectionTimeoutMS=50&authSource=admin';

const WEAK = [
  'readPreference=secondaryPreferred',
  'READPREFERENCE=nearest',
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
  'localThresholdMS=5',
  'connectTimeoutMS=500000',
  'heartbeatFrequencyMS=1000',
  'maxPoolSize=5',
];

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

test('a direct connection is one to a lone member only: another may become primary', async () => {
  for (const [members, refused] of [
    [1, false],
    [3, true],
  ] as const) {
    await using set = await startReplicaSet({ members });
    const connected = connectCluster(
      { uri: `mongodb://127.0.0.1:${set.members[0]?.port}/?directConnection=true` },
      'source',
    );
    if (refused) await assert.rejects(connected, { code: 'WEAK_CONNECTION_OPTION', message: /directConnection/ });
    else await (await connected).close();
  }
});
