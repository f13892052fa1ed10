import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BSON, type MongoClient } from 'mongodb';
import { documentSequence } from '../../../src/engine/bson/document-sequence.ts';
import { compressionOf } from '../../../src/engine/mongodb/compression.ts';
import { type ClusterAddress, connectCluster } from '../../../src/engine/mongodb/connect.ts';
import { eventually } from '../../support/eventually.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startReplicaSet } from '../../support/replica-set.ts';

checkForLeaks();

async function compressorAfter(address: ClusterAddress, commands: number): Promise<string | undefined> {
  await using client = await connectCluster(address, 'destination');
  await read(client, commands);
  return compressionOf(client)?.compressor;
}

async function read(client: MongoClient, times: number): Promise<void> {
  for (let sent = 0; sent < times; sent += 1) await client.db('d').command({ find: 'none' });
}

test('auto compresses to a distant server, and not to one nearby', async () => {
  await using set = await startReplicaSet({ proxied: true });
  const [proxy] = set.proxies;
  proxy?.set({ latencyMs: 5 });
  const client = await connectCluster({ uri: set.uri }, 'destination');
  await read(client, 12);
  const { compressor, wireBytes = 0, messageBytes = 0 } = compressionOf(client) ?? {};
  assert.equal(compressor, 'zstd');
  const document = Buffer.from(BSON.serialize({ text: 'x'.repeat(100_000) }));
  await client.db('d').command({ insert: 'c', documents: documentSequence('documents', [document]) });
  const after = compressionOf(client);
  assert.ok((after?.messageBytes ?? 0) - messageBytes > 100_000);
  assert.ok((after?.wireBytes ?? 0) - wireBytes < 2_000);
  assert.equal((await set.client.db('d').collection('c').findOne())?.text.length, 100_000);

  proxy?.set({});
  const isUncompressed = async () => {
    await read(client, 1);
    return compressionOf(client) === undefined;
  };
  await eventually(isUncompressed, { what: 'a reply that shows a short distance' });
  await client.close();
});

test('what is asked for is used at any distance, and what the server lacks is not', async () => {
  await using set = await startReplicaSet();
  assert.equal(await compressorAfter({ uri: set.uri, compression: 'zlib' }, 1), 'zlib');
  assert.equal(await compressorAfter({ uri: set.uri, compression: 'zstd' }, 1), 'zstd');
  assert.equal(await compressorAfter({ uri: set.uri, compression: 'off' }, 20), undefined);
  await using zlibOnly = await startReplicaSet({ mongodArgs: ['--networkMessageCompressors', 'zlib'] });
  assert.equal(await compressorAfter({ uri: zlibOnly.uri, compression: 'zstd' }, 1), undefined);
  assert.equal(await compressorAfter({ uri: zlibOnly.uri, compression: 'zlib' }, 1), 'zlib');
});

test('compressors in a connection string decide for its cluster', async () => {
  await using set = await startReplicaSet();
  const uri = (compressors: string) => `${set.uri}&compressors=${compressors}`;
  assert.equal(await compressorAfter({ uri: uri('zlib') }, 1), 'zlib');
  assert.equal(await compressorAfter({ uri: uri('zlib,zstd'), compression: 'zstd' }, 1), 'zlib');
  assert.equal(await compressorAfter({ uri: uri('none'), compression: 'zstd' }, 1), undefined);
});
