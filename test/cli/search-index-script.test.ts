import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createContext, runInContext } from 'node:vm';
import { searchIndexScript } from '../../src/cli/migrate/search-index-script.ts';
import { startDialect } from '../support/dialect.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { startPair } from '../support/replica-set.ts';
import { needsSource } from '../support/source-version.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const AT = { database: 'shop', collection: 'orders' };
const HOSTILE = `"); print("\u2028$\{db}`;

interface Created {
  readonly createSearchIndexes: string;
  readonly indexes: readonly { readonly name: string }[];
}

/** Runs a script with a stand-in for the objects of mongosh. */
function run(script: string, statuses: readonly string[], existing: readonly string[] = []) {
  const created: Created[] = [];
  const printed: string[] = [];
  const left = [...statuses];
  const names = new Set(existing);
  const aggregate = ([{ $listSearchIndexes }]: [{ $listSearchIndexes: { name: string } }]) => ({
    toArray: () => (names.has($listSearchIndexes.name) ? [{ status: left.shift() ?? 'READY' }] : []),
  });
  const runCommand = (command: Created) => {
    created.push(command);
    for (const { name } of command.indexes) names.add(name);
  };
  const db = { getSiblingDB: () => ({ getCollection: () => ({ aggregate }), runCommand }) };
  const print = (line: string) => printed.push(line);
  runInContext(script, createContext({ db, print, sleep: () => undefined }));
  return { created: JSON.parse(JSON.stringify(created)), printed };
}

test('the script creates one search index after the other, and leaves out those that exist (a stand-in, not mongosh)', () => {
  const definition = { mappings: { dynamic: true } };
  const script = searchIndexScript([
    { ...AT, name: 'default', type: 'search', definition },
    { ...AT, name: HOSTILE, type: 'vectorSearch', definition },
    { ...AT, name: HOSTILE, type: 'search' },
    { ...AT, name: 'there', type: 'search', definition },
  ]);
  const { created, printed } = run(script, ['BUILDING', 'BUILDING', 'READY'], ['there']);
  assert.deepEqual(created, [
    { createSearchIndexes: 'orders', indexes: [{ name: 'default', type: 'search', definition }] },
    { createSearchIndexes: 'orders', indexes: [{ name: HOSTILE, type: 'vectorSearch', definition }] },
  ]);
  assert.deepEqual(printed, [
    'shop.orders: default is BUILDING',
    'shop.orders: default is READY',
    `shop.orders: ${HOSTILE} is READY`,
    `shop.orders: ${HOSTILE} has no definition to read`,
    'shop.orders: there is READY',
  ]);
  assert.throws(() => run(script, ['BUILDING', 'FAILED']), /shop\.orders: default was not built/);
});

test('plan writes the script to a new file (dialect, not a real server)', {
  skip: needsSource('6.0', 'its plan differs'),
}, async () => {
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('orders').insertOne({ n: 1 });
  await using source = await startDialect(pair.source, {
    aggregate: (reply, { pipeline }) => {
      if (pipeline[0]?.$listSearchIndexes === undefined) return;
      const firstBatch = [{ name: 'default', latestDefinition: { mappings: { dynamic: true } } }];
      Object.assign(reply, { ok: 1, cursor: { id: 0n, ns: 'shop.orders', firstBatch } });
    },
  });
  using folder = temporaryFolder('script');
  const file = join(folder.path, 'search-indexes.js');
  const plan = async (...args: readonly string[]) => {
    await using linkspan = runLinkspan(['plan', source.uri, pair.destination.uri, ...args]);
    const { code } = await linkspan.exit;
    return { code, stdout: linkspan.stdout, stderr: linkspan.stderr };
  };
  const written = await plan('--search-index-script', file);
  assert.equal(written.code, 0, written.stdout + written.stderr);
  assert.match(written.stdout, /not migrated: default of shop\.orders\. \[SEARCH_INDEXES_LEFT\]/);
  assert.match(written.stderr, /1 search index in /);
  assert.equal(run(readFileSync(file, 'utf8'), []).created.length, 1);
  const again = await plan('--search-index-script', file, '--output', 'json');
  const { outcome, error, ...others } = JSON.parse(again.stdout);
  assert.deepEqual([again.code, outcome, error.code], [2, 'REFUSED', 'USAGE']);
  assert.deepEqual(others.findings, []);
});
