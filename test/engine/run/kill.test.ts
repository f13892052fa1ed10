import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Db } from 'mongodb';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startLedgerWriter } from '../../support/ledger-writer.ts';
import { expectHookReached, runLinkspan } from '../../support/linkspan-process.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

checkForLeaks({ sockets: false });

/** Named points that kill-again.test.ts lacks: those of `--once`, and later passes of a point. */
const WHILE_WRITTEN_TO = [
  'engine.prepare.position-fixed',
  'engine.catalog.created@2',
  'engine.copy.batch-acknowledged@4',
  'engine.indexes.recorded@2',
  'engine.apply.batch-acknowledged',
  'engine.copy.drained',
];

/** Past the point of no return the engine follows no changes, so no one writes in these rounds. */
const AT_THE_END = ['engine.cutover.committed', 'engine.cutover.destination-open'];

// id: killed-migration-ends-identical
test('a migration that is killed and started again ends identical', async (t) => {
  await using pair = await startPair();
  for (const hook of [...WHILE_WRITTEN_TO, ...AT_THE_END]) {
    await t.test(`killed at ${hook}`, async () => {
      await refill(pair);
      const arguments_ = [
        'sync',
        '--once',
        '--no-verify',
        '--cluster0',
        pair.source.uri,
        '--cluster1',
        pair.destination.uri,
      ];
      if (WHILE_WRITTEN_TO.includes(hook)) await killWhileWrittenTo(pair, arguments_, hook);
      else await kill(arguments_, hook);
      await using again = runLinkspan(arguments_);
      assert.deepEqual(await again.exit, { code: 0, signal: null }, again.stderr);
      await expectIdentical(pair);
    });
  }
});

/** Points where a kill could mix up the names of the sides, or migrate a document that does not match. */
const UNDER_A_SELECTION = ['engine.catalog.created@2', 'engine.copy.batch-acknowledged@3', 'engine.apply.batch-taken'];

test('a migration of matching documents to other names that is killed and started again ends as it should', async (t) => {
  await using pair = await startPair();
  using folder = temporaryFolder('kill');
  const file = join(folder.path, 'sync.yaml');
  const clusters = { cluster0: pair.source.uri, cluster1: pair.destination.uri };
  // Writers make documents match, and no longer match.
  const even = { $expr: { $eq: [{ $mod: [{ $ifNull: ['$ledgerCount', 0] }, 2] }, 0] } };
  const selection = {
    documentFilters: [{ database: 'shop', collection: 'a', filter: even }],
    namespaceRemap: [
      { from: { database: 'shop' }, to: { database: 'store' } },
      { from: { database: 'shop', collection: 'b' }, to: { database: 'store', collection: 'c' } },
      { from: { database: 'shop', collection: 'c' }, to: { database: 'store', collection: 'b' } },
    ],
    preExistingDestinationData: true,
  };
  // JSON is YAML.
  writeFileSync(file, JSON.stringify({ ...clusters, ...selection }));
  const arguments_ = ['sync', '--once', '--no-verify', '--config', file];
  for (const hook of UNDER_A_SELECTION) {
    await t.test(`killed at ${hook}`, async () => {
      await pair.destination.client.db('store').dropDatabase();
      await refill(pair);
      await pair.destination.client.db('shop').collection('a').insertOne({ kept: true });
      await killWhileWrittenTo(pair, arguments_, hook);
      if (!needsSource('6.0', 'its catalog has to stand still')) await swap(pair.source.client.db('shop'), 'b', 'c');
      await using again = runLinkspan(arguments_);
      assert.deepEqual(await again.exit, { code: 0, signal: null }, again.stderr);
      const kept = pair.destination.client.db('shop').collection('a');
      assert.equal((await kept.findOne())?.kept, true);
      await kept.drop();
      await expectIdentical(pair, {
        renamed: new Map([
          ['shop', 'store'],
          ['shop.b', 'c'],
          ['shop.c', 'b'],
        ]),
        selects: (namespace, { ledgerCount = 0 }) => namespace !== 'shop.a' || ledgerCount % 2 === 0,
      });
    });
  }
});

async function swap(db: Db, a: string, b: string): Promise<void> {
  await db.collection(a).rename('between');
  await db.collection(b).rename(a);
  await db.collection('between').rename(b);
}

async function kill(arguments_: readonly string[], hook: string): Promise<void> {
  await using killed = runLinkspan(arguments_, { hook: `${hook}=kill` });
  await expectHookReached(killed);
}

async function killWhileWrittenTo(pair: ReplicaSetPair, arguments_: readonly string[], hook: string): Promise<void> {
  const clients = [pair.source.client];
  await using writer = await startLedgerWriter({
    clients,
    namespaces: ['shop.a', 'shop.b'],
    seed: 3,
    ratePerSecond: 100,
  });
  await kill(arguments_, hook);
  const before = writer.snapshot().documentsWritten;
  await eventually(() => writer.snapshot().documentsWritten > before + 100, { what: 'writes after the kill' });
  await writer.stop();
}

async function refill(pair: ReplicaSetPair): Promise<void> {
  await pair.source.client.db('shop').dropDatabase();
  for (const name of ['shop', 'linkspan_internal']) await pair.destination.client.db(name).dropDatabase();
  for (const name of ['a', 'b', 'c']) {
    const collection = pair.source.client.db('shop').collection(name);
    // Two batches of the copy.
    await collection.insertMany(numbered(1_200, { name, text: 'x'.repeat(3_600) }));
    await collection.createIndex({ n: 1, _id: 1 }, { unique: true });
  }
}
