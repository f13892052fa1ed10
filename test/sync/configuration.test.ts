import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSyncConfiguration } from '../../src/sync/configuration.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

function read(text: string) {
  using folder = temporaryFolder('sync');
  const file = join(folder.path, 'sync.yaml');
  writeFileSync(file, text, { mode: 0o600 });
  return readSyncConfiguration(file);
}

test('a file for mongosync works', () => {
  const text = 'cluster0: mongodb://a\ncluster1: mongodb://b\nport: 27183\nverbosity: WARN\nacceptDisclaimer: true\n';
  assert.deepEqual(read(text), {
    cluster0: 'mongodb://a',
    cluster1: 'mongodb://b',
    port: 27_183,
    usersAndRoles: undefined,
    reversible: undefined,
    logLevel: 'warn',
  });
  assert.equal(read('usersAndRoles: true\n').usersAndRoles, true);
  assert.deepEqual(read(''), {
    cluster0: undefined,
    cluster1: undefined,
    port: undefined,
    usersAndRoles: undefined,
    reversible: undefined,
    logLevel: undefined,
  });
});

test('the file says where metrics are served, and refuses metrics without an address', () => {
  const metrics = { listen: '127.0.0.1:9216', tokenFile: 'token' };
  assert.deepEqual(read('metrics: {listen: "127.0.0.1:9216", tokenFile: token}\n').metrics, metrics);
  assert.throws(() => read('metrics: {tokenFile: token}\n'), /metrics\.listen/);
});

test('the file says when connections are compressed', () => {
  for (const mode of ['auto', 'off', 'zlib', 'zstd']) assert.equal(read(`compression: ${mode}\n`).compression, mode);
  assert.throws(() => read('compression: snappy\n'), /line 1: compression: /);
});

test('an unsupported key is an error that names its line', () => {
  assert.throws(() => read('cluster0: mongodb://a\nmetricsPort: 2\n'), /line 2: unknown key metricsPort\./);
  assert.throws(() => read('loadLevel: 5\n'), /line 1: loadLevel: /);
  assert.throws(() => read('maxMegabytesPerSecond: 0\n'), /line 1: maxMegabytesPerSecond: /);
  assert.throws(() => read('verification: maybe\n'), /line 1: verification: /);
  assert.throws(() => read('port: 70000\n'), /line 1: port: /);
});

test('a file sets load level, copy limit and hours with a load of their own', () => {
  const window = { days: ['SAT'], from: '22:00', to: '06:00', timeZone: 'UTC', loadLevel: 4 };
  const { load } = read(`loadLevel: 1\nmaxMegabytesPerSecond: 2.5\nloadWindows: [${JSON.stringify(window)}]\n`);
  assert.deepEqual(load, { loadLevel: 1, maxMegabytesPerSecond: 2.5, loadWindows: [window] });
  assert.throws(() => read('loadWindows: [{days: [SAT]}]\n'), /line 1: loadWindows/);
});

test('a file sets how to verify', () => {
  assert.equal(read('verification: report\n').verification, 'REPORT');
});

test('the file accepts the selection fields of /start', () => {
  const text = `
includeNamespaces:
  - database: shop
documentFilters:
  - {database: shop, collection: orders, filter: {at: {$gte: {$date: "2026-01-01T00:00:00Z"}}}}
namespaceRemap:
  - from: {database: shop}
    to: {database: store}
preExistingDestinationData: true
`;
  assert.deepEqual(read(text).selection, {
    filters: { include: [{ database: 'shop' }], exclude: undefined },
    documentFilters: [
      { database: 'shop', collection: 'orders', filter: { at: { $gte: { $date: '2026-01-01T00:00:00Z' } } } },
    ],
    namespaceRemap: [{ from: { database: 'shop' }, to: { database: 'store' } }],
    keepDestination: true,
  });
  assert.throws(
    () => read('includeNamespaces:\n  - databse: shop\n'),
    /line 2: unknown key includeNamespaces\[0\]\.databse \(did you mean database\?\)/,
  );
});
