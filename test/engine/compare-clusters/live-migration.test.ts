import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startLedgerWriter } from '../../support/ledger-writer.ts';
import { startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';
import { verify } from './verify-pair.ts';

checkForLeaks();

test('beside a migration that follows a writer no document differs, and after the cutover both sides are equal', {
  skip: needsSource('6.0', 'its writers have to be stopped before the cutover'),
}, async () => {
  await using pair = await startPair();
  const orders = pair.source.client.db('shop').collection('orders');
  await orders.createIndex({ n: 1 }, { unique: true, sparse: true });
  await orders.insertMany(numbered(3_000, { text: 'x'.repeat(500) }));
  await using writer = await startLedgerWriter({
    clients: [pair.source.client],
    namespaces: ['shop.orders', 'shop.customers'],
    seed: 21,
    ratePerSecond: 200,
  });
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  const before = writer.snapshot().documentsWritten;
  const live = await verify(pair, { settleMs: 8_000 });
  assert.ok(writer.snapshot().documentsWritten > before + 200, 'the writer wrote meanwhile');
  assert.deepEqual(live.differences, []);
  assert.equal(live.report.totals.undecided, 0);
  assert.ok(live.report.totals.rechecked > 0);
  // Until the cutover, no index of the destination is unique.
  assert.deepEqual(
    live.report.catalogDifferences.map(({ name, path }) => ({ name, path })),
    [{ name: 'n_1', path: 'unique' }],
  );
  await writer.stop();
  await running.commit();
  const { report } = await verify(pair);
  assert.equal(report.result, 'EQUAL', report.explanation);
});
