import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import type { Db } from 'mongodb';
import { verifyReports } from '../../src/cli/migrate/verify-reports.ts';
import { inWords } from '../../src/contract/index.ts';
import type { DigestReport } from '../../src/engine/index.ts';
import { syncOnce } from '../engine/running-migration.ts';
import { runLinkspan, untilStopped } from '../support/linkspan-process.ts';
import { type ReplicaSetPair, startPair } from '../support/replica-set.ts';
import { emptyPair, identified } from '../support/seeds.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Stored {
  readonly _id: number;
  readonly [name: string]: unknown;
}

let pair: ReplicaSetPair;
before(async () => {
  pair = await startPair();
});
after(() => pair[Symbol.asyncDispose]());
beforeEach(() => emptyPair(pair));

async function digest(...args: string[]) {
  await using linkspan = runLinkspan(['digest', ...args]);
  const { code } = await linkspan.exit;
  return { code, stdout: linkspan.stdout, stderr: linkspan.stderr };
}

/** Compares the reports in two files. Returns the exit code and what was written. */
function verify(files: readonly string[], options: { output?: 'text' | 'json'; config?: string } = {}) {
  let written = '';
  const { code } = verifyReports({ files, output: 'text', ...options }, { write: (text) => (written += text) });
  return { code, written };
}

async function plant(db: Db): Promise<void> {
  await db.createCollection('orders', { validator: { a: { $exists: true } } });
  await db.collection<Stored>('orders').insertMany(identified(100, { a: 1, b: 2 }));
  await db.collection('orders').createIndex({ a: 1 }, { name: 'byA', expireAfterSeconds: 1_000_000 });
  await db.createCollection('log', { capped: true, size: 100_000 });
  await db.collection<Stored>('log').insertMany([2, 1, 3].map((_id) => ({ _id })));
  await db.createCollection('seen', { viewOn: 'orders', pipeline: [{ $match: { a: 1 } }] });
  await db.collection<{ _id: string; value: string }>('system.js').insertOne({ _id: 'f', value: 'x' });
  await db.createCollection('series', { timeseries: { timeField: 't', metaField: 'm' } });
  await db.collection('series').insertOne({ t: new Date(1), m: 1 });
}

async function reportsOf(folder: string): Promise<[string, string]> {
  const files: [string, string] = [join(folder, 'a.json'), join(folder, 'b.json')];
  const sides = [pair.source, pair.destination] as const;
  const ends = await Promise.all(files.map((file, n) => digest(sides[n]?.uri ?? '', '--report', file)));
  for (const { code, stderr } of ends) assert.equal(code, 0, stderr);
  return files;
}

test('the reports of a source and of its migrated copy are equal', async () => {
  using folder = temporaryFolder('digest');
  await plant(pair.source.client.db('shop'));
  await syncOnce(pair, { once: true });
  const files = await reportsOf(folder.path);
  const { code, written } = verify(files);
  assert.equal(code, 0, written);
  assert.match(written, /^The reports are equal: 5 collections with 105 documents\.$/m);
  await using linkspan = runLinkspan(['verify', '--reports', ...files, '--output', 'json']);
  assert.equal((await linkspan.exit).code, 0, linkspan.stderr);
  const { first, second, ...result } = JSON.parse(linkspan.stdout);
  const found = { differences: [], compared: 5, documents: 105, reservations: [] };
  assert.deepEqual(result, { type: 'result', outcome: 'DONE', error: null, ...found });
  assert.notEqual(first.cluster.replicaSetId, second.cluster.replicaSetId);
  assert.match(
    written,
    /^first: replica set \w{24} at 127\.0\.0\.1:\d+, cluster time .+, without writes, made until .+Z$/m,
  );
  // One report is no proof of two clusters.
  const same = verify([files[0], files[0]]);
  assert.equal(same.code, 2);
  assert.match(same.written, /^Both files are the same report\.$/m);
  // Only its owner may read a report.
  assert.equal(statSync(files[0]).mode & 0o777, 0o600);
});

const DIFFERENCES: readonly [change: (db: Db) => Promise<unknown>, expected: RegExp][] = [
  [(db) => db.collection<Stored>('orders').deleteOne({ _id: 7 }), /^orders: documents: 100 documents.* \/ 99 doc/],
  [
    (db) => db.collection<Stored>('orders').replaceOne({ _id: 7 }, { b: 2, a: 1 }),
    /^orders: documents: (100 documents, \d+ bytes), \w{64} \/ \1, \w{64}$/,
  ],
  [(db) => db.collection('orders').dropIndex('byA'), /^orders: index missing byA$/],
  [
    (db) => db.command({ collMod: 'orders', index: { name: 'byA', expireAfterSeconds: 9_999_999 } }),
    /^orders: index byA$/,
  ],
  [(db) => db.collection('orders').createIndex({ c: 1 }), /^orders: index extra c_1$/],
  [(db) => db.command({ collMod: 'orders', validator: {} }), /^orders: options validator$/],
  [(db) => db.command({ collMod: 'seen', viewOn: 'log', pipeline: [] }), /^seen: options pipeline$/],
  [
    async (db) => {
      await db.collection('log').drop();
      await db.createCollection('log', { capped: true, size: 100_000 });
      await db.collection<Stored>('log').insertMany([1, 2, 3].map((_id) => ({ _id })));
    },
    /^log: order: \w{64} \/ \w{64}$/,
  ],
  [
    (db) =>
      db.collection<{ _id: string; value: string }>('system.js').updateOne({ _id: 'f' }, { $set: { value: 'y' } }),
    /^system\.js: documents/,
  ],
  [(db) => db.collection('series').insertOne({ t: new Date(2), m: 2 }), /^series: documents/],
  [(db) => db.dropCollection('seen'), /^seen: collection missing$/],
  [(db) => db.createCollection('new'), /^new: collection extra$/],
];

test('two reports differ in everything that differs between two clusters, and in nothing else', async () => {
  using folder = temporaryFolder('digest');
  const names = DIFFERENCES.map((_, n) => `shop${n}`);
  for (const name of [...names, 'same']) await plant(pair.source.client.db(name));
  await syncOnce(pair, { once: true });
  for (const [n, [change]] of DIFFERENCES.entries()) await change(pair.destination.client.db(`shop${n}`));
  const { code, written } = verify(await reportsOf(folder.path));
  assert.equal(code, 3, written);
  const lines = written.trimEnd().split('\n').slice(2);
  const verdict = lines.pop() ?? '';
  for (const [n, [, expected]] of DIFFERENCES.entries()) {
    const found = lines.filter((line) => line.startsWith(`shop${n}.`)).map((line) => line.slice(`shop${n}.`.length));
    assert.ok(
      found.some((line) => expected.test(line)),
      `${expected}: ${found}`,
    );
  }
  assert.ok(lines.length <= DIFFERENCES.length + 1, written);
  assert.doesNotMatch(written, /^same/m);
  assert.match(verdict, new RegExp(`^The reports differ: ${lines.length} differences in 64 collections`));
});

test('a report has users and roles when asked for, and a comparison with one that has none says so', async () => {
  using folder = temporaryFolder('digest');
  const [a, b] = [join(folder.path, 'a.json'), join(folder.path, 'b.json')];
  const privileges = [{ resource: { db: 'shop', collection: '' }, actions: ['find'] }];
  for (const { client } of [pair.source, pair.destination])
    await client.db('shop').command({ createRole: 'reader', privileges, roles: [] });
  await pair.source.client.db('shop').command({ createUser: 'ann', pwd: 'x', roles: ['reader'] });
  assert.equal((await digest(pair.source.uri, '--report', a, '--users-and-roles')).code, 0);
  assert.equal((await digest(pair.destination.uri, '--report', b, '--users-and-roles')).code, 0);
  assert.match(verify([a, b]).written, /^shop: user ann: missing\nThe reports differ: 1 difference/m);
  assert.doesNotMatch(readFileSync(a, 'utf8'), /SCRAM|storedKey/);
  await pair.destination.client.db('shop').command({ updateRole: 'reader', privileges: [] });
  assert.equal((await digest(pair.destination.uri, '--report', b, '--users-and-roles')).code, 0);
  assert.match(verify([a, b]).written, /^shop: role reader: different$/m);
  assert.equal((await digest(pair.destination.uri, '--report', b)).code, 0);
  const { code, written } = verify([a, b]);
  assert.equal(code, 2);
  assert.match(written, /Only one report has users and roles, so they were not compared/);
  await pair.source.client.db('shop').command({ dropUser: 'ann' });
  for (const { client } of [pair.source, pair.destination]) await client.db('shop').command({ dropRole: 'reader' });
});

test('reports of clusters with other names are compared by the names of a configuration file', async () => {
  using folder = temporaryFolder('digest');
  await pair.source.client.db('shop').collection<Stored>('orders').insertMany(identified(3));
  await pair.destination.client.db('store').collection<Stored>('sales').insertMany(identified(3));
  const config = join(folder.path, 'sync.yaml');
  writeFileSync(
    config,
    JSON.stringify({
      namespaceRemap: [
        { from: { database: 'shop' }, to: { database: 'store' } },
        { from: { database: 'shop', collection: 'orders' }, to: { database: 'store', collection: 'sales' } },
      ],
    }),
  );
  const files = await reportsOf(folder.path);
  assert.equal(verify(files).code, 3);
  const { code, written } = verify(files, { config });
  assert.equal(code, 0, written);
});

test('a report that proves nothing makes a comparison prove nothing, whatever the digests are', async () => {
  using folder = temporaryFolder('digest');
  await plant(pair.source.client.db('shop'));
  await syncOnce(pair, { once: true });
  const [a, b] = await reportsOf(folder.path);
  const report: DigestReport = JSON.parse(readFileSync(a, 'utf8'));
  for (const claim of ['CHANGED_MEANWHILE', 'UNKNOWN', 'UNFINISHED'] as const) {
    writeFileSync(a, JSON.stringify({ ...report, claim, explanation: 'Because.' }));
    const { code, written } = verify([a, b]);
    assert.equal(code, 2);
    assert.ok(written.includes(`The first report proves nothing (${inWords(claim)}). Because.`), written);
    assert.match(written, /The reports are equal: .* That proves nothing\.$/m);
    const json = JSON.parse(verify([a, b], { output: 'json' }).written);
    assert.deepEqual([json.type, json.outcome, json.error.code], ['result', 'REFUSED', 'DIGEST_PROVES_NOTHING']);
  }
  const named = report.collections.map((entry) => ({ ...entry, namespace: `${entry.namespace}\u001b[2J` }));
  writeFileSync(a, JSON.stringify({ ...report, collections: named }));
  const hostile = verify([a, b]);
  assert.equal(hostile.code, 3);
  assert.ok(!hostile.written.includes('\u001b'), 'a report controls the terminal');
  writeFileSync(a, JSON.stringify({ ...report, digest: 'x' }));
  assert.throws(() => verify([a, b]), /The report .*a\.json cannot be read: .*digest/);
  assert.throws(() => verify([a]), /--reports takes two files/);
});

test('a digest that a signal stops leaves a report that says it is unfinished', async () => {
  using folder = temporaryFolder('digest');
  await plant(pair.source.client.db('shop'));
  const file = join(folder.path, 'a.json');
  const hook = 'engine.digest.range-read@2=stop';
  await using linkspan = runLinkspan(['digest', pair.source.uri, '--report', file], { hook });
  await untilStopped(linkspan);
  linkspan.kill('SIGINT');
  linkspan.kill('SIGCONT');
  assert.equal((await linkspan.exit).code, 130, linkspan.stderr);
  assert.equal(JSON.parse(readFileSync(file, 'utf8')).claim, 'UNFINISHED');
  const { code, written } = verify([file, file]);
  assert.equal(code, 2);
  assert.match(written, /The first report proves nothing \(unfinished\)\. The command was stopped/);
});

test('linkspan digest shows every digest in text and in JSON, and refuses what it can not read', async () => {
  await plant(pair.source.client.db('shop'));
  const text = await digest(pair.source.uri);
  assert.equal(text.code, 0, text.stderr);
  const json = await digest(pair.source.uri, '--output', 'json');
  const { type, outcome, error, report } = JSON.parse(json.stdout);
  assert.deepEqual([json.code, type, outcome, error], [0, 'digest', 'DONE', null]);
  for (const entry of (report as DigestReport).collections) {
    const values = entry.type === 'view' ? [] : [entry.digest, ...Object.values(entry.indexes)];
    for (const value of [...values, ...Object.values(entry.options)]) assert.ok(text.stdout.includes(value));
  }
  assert.match(text.stdout, /^ {2}claim {8}without writes\. No write to shop\.log was seen/m);
  const none = await digest();
  assert.equal(none.code, 2);
  assert.match(none.stderr, /A connection string is needed/);
  const nowhere = await digest(pair.source.uri, '--report', '/nonexistent/report.json');
  assert.equal(nowhere.code, 2);
  assert.match(nowhere.stderr, /REPORT_/);
});
