import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Document } from 'mongodb';
import { checkForLeaks } from '../support/leak-check.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { type ReplicaSet, startPair } from '../support/replica-set.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

checkForLeaks({ sockets: false });

/** Writes that a server does by itself: periodic no-ops and its own session records. */
const OF_THE_SERVER = { $or: [{ op: 'n', 'o.msg': 'periodic noop' }, { ns: /^config\./ }] };

function oplog({ client }: ReplicaSet) {
  return client.db('local').collection<Document>('oplog.rs');
}

async function plan(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  await using linkspan = runLinkspan(['plan', ...args]);
  const { code } = await linkspan.exit;
  return { code, stdout: linkspan.stdout, stderr: linkspan.stderr };
}

test('a plan reports sizes, the basis of its estimate and problems, and writes nothing to either side', async () => {
  await using pair = await startPair();
  const { source, destination } = pair;
  const orders = source.client.db('shop').collection<{ _id: number; text: string }>('orders');
  for (let n = 0; n < 8; n += 1) {
    await orders.insertMany(Array.from({ length: 1_000 }, (_, i) => ({ _id: n * 1_000 + i, text: 'x'.repeat(1_000) })));
  }
  await orders.createIndex({ text: 1 });
  await source.client.db('shop').createCollection('clustered', { clusteredIndex: { key: { _id: 1 }, unique: true } });
  const series = await source.client.db('shop').createCollection('series', { timeseries: { timeField: 'at' } });
  await series.createIndex({ at: 1 });
  await source.client.db('shop').createCollection('seen', { viewOn: 'orders', pipeline: [] });
  const both = [source, destination];
  const before = await Promise.all(
    both.map((set) => oplog(set).findOne({ $nor: [OF_THE_SERVER] }, { sort: { $natural: -1 } })),
  );

  const free = await plan(source.uri, destination.uri);
  assert.equal(free.code, 0, free.stdout + free.stderr);
  for (const row of [
    /^source +MongoDB \d+\.\d+\.\d+ at 127\.0\.0\.1:\d+$/m,
    /^collections +3, and 1 view$/m,
    /^documents +8,000$/m,
    /^bytes +8\.\d+ MB, on the source's disk .+ with indexes$/m,
    /^indexes +2 besides those on _id/m,
    /^initial sync +about 0:0\d, without index builds$/m,
    /a short test read the source at .+B\/s/,
    /^ {2}Linkspan does not block writes of other users to the destination .* \[DESTINATION_UNPROTECTED\]\n {4}Use a destination/m,
    /^Nothing stops this migration\.$/m,
  ]) {
    assert.match(free.stdout, row);
  }

  const flags = ['--cluster0', source.uri, '--cluster1', destination.uri];
  const json = await plan(...flags, '--output', 'json', '--keep-destination');
  assert.equal(json.code, 0, json.stderr);
  const told = JSON.parse(json.stdout);
  const { restsOn, readBytesPerSecond } = told.copyTime;
  // A busy machine reads more slowly than is assumed for the destination.
  const slowest = readBytesPerSecond < 30_000_000 ? 'MEASURED_SOURCE_READ' : 'ASSUMPTION';
  assert.deepEqual([told.type, told.sizes.documents, restsOn], ['plan', 8_000, slowest]);
  assert.deepEqual([told.outcome, told.error], ['DONE', null]);
  assert.equal(told.source.privileges, undefined);
  const kept = told.findings.find(({ code }: Document) => code === 'DESTINATION_KEPT');
  assert.deepEqual([kept.severity, typeof kept.message, typeof kept.remedy], ['WARNING', 'string', 'string']);

  const after = await Promise.all(
    both.map((set) => oplog(set).findOne({ $nor: [OF_THE_SERVER] }, { sort: { $natural: -1 } })),
  );
  assert.deepEqual(after, before, 'nothing was written since');

  await destination.client.db('here').collection('already').insertOne({});
  using folder = temporaryFolder('plan');
  const config = join(folder.path, 'sync.yaml');
  writeFileSync(
    config,
    `cluster0: ${source.uri}\ncluster1: ${destination.uri}\nincludeNamespaces: [{database: shop}]\n`,
  );
  const stopped = await plan('--config', config);
  assert.equal(stopped.code, 2, stopped.stdout + stopped.stderr);
  assert.match(stopped.stdout, /Errors: these keep a migration from starting \(1\)\n.*\[DESTINATION_NOT_EMPTY\]/);
  assert.match(stopped.stdout, /\[PART_NOT_BLOCKED\]/);
  assert.match(stopped.stdout, /Something stops this migration\.$/m);
  const { outcome, error, sizes } = JSON.parse((await plan('--config', config, '--output', 'json')).stdout);
  assert.equal(sizes.indexes, 2);
  assert.deepEqual([outcome, error.code, typeof error.remedy], ['REFUSED', 'PREFLIGHT_FAILED', 'string']);
  assert.match(error.message, /DESTINATION_NOT_EMPTY/);
  assert.equal((await plan('--config', config, '--drop-destination')).code, 0);
});

test('a plan exits after its answer, even if a silent server keeps connections open', async () => {
  await using silent = createServer((socket) => socket.resume());
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const uri = `mongodb://127.0.0.1:${port}/?serverSelectionTimeoutMS=300`;
  const startedMs = performance.now();
  const { code, stdout } = await plan(uri, uri);
  assert.deepEqual([code, /SOURCE_UNREACHABLE/.test(stdout), /DESTINATION_UNREACHABLE/.test(stdout)], [2, true, true]);
  assert.ok(performance.now() - startedMs < 20_000, 'the driver would wait for 30 s');
});

test('a plan needs two clusters', async () => {
  const { code, stderr } = await plan('mongodb://127.0.0.1:1/');
  assert.deepEqual([code, stderr.includes('[USAGE]')], [2, true], stderr);
  const twice = await plan('mongodb://127.0.0.1:1/', 'mongodb://127.0.0.1:2/', '--cluster0', 'mongodb://127.0.0.1:3/');
  assert.match(twice.stderr, /The source is given twice.*\[USAGE\]/);
  const json = JSON.parse((await plan('mongodb://127.0.0.1:1/', '--output', 'json')).stdout);
  assert.deepEqual([json.type, json.outcome, json.error.code], ['plan', 'REFUSED', 'USAGE']);
  const unreachable = await plan(
    'mongodb://u:hidden@127.0.0.1:1/?serverSelectionTimeoutMS=200',
    'mongodb://127.0.0.1:1/?tls=ja',
  );
  assert.equal(unreachable.code, 2);
  assert.doesNotMatch(unreachable.stdout + unreachable.stderr, /hidden/);
});
