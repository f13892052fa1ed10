import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareClusters } from '../support/compare-clusters.ts';
import { eventually } from '../support/eventually.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { startLedgerWriter } from '../support/ledger-writer.ts';
import { expectHookReached, runLinkspan } from '../support/linkspan-process.ts';
import { type ReplicaSetPair, startPair } from '../support/replica-set.ts';

checkForLeaks({ sockets: false });

/** Named points of the engine: where `kill -9` must cost nothing but time. */
const WHILE_WRITTEN_TO = [
  'engine.prepare.destination-ready',
  'engine.prepare.position-fixed',
  'engine.catalog.created@2',
  'engine.copy.before-first-read',
  'engine.copy.batch-acknowledged',
  'engine.copy.batch-acknowledged@4',
  'engine.copy.collection-copied',
  'engine.indexes.recorded@2',
  'engine.copy.indexed',
  'engine.capture.batch-dispatched@3',
  'engine.apply.batch-taken',
  'engine.apply.batch-acknowledged',
  'engine.copy.drained',
];

/** Past the point of no return changes of the source are no longer followed, so nobody writes in these rounds. */
const AT_THE_END = ['engine.cutover.committed', 'engine.cutover.unique-prepared', 'engine.cutover.destination-open'];

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
      assert.deepEqual((await compareClusters(pair.source.client, pair.destination.client)).differences, []);
    });
  }
});

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
    ratePerSecond: 500,
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
    await collection.insertMany(Array.from({ length: 4_000 }, (_, n) => ({ n, name, text: 'x'.repeat(2_000) })));
    await collection.createIndex({ n: 1, _id: 1 }, { unique: true });
  }
}
