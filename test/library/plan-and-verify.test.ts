import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newMigrationId, planMigration, Verification } from '../../src/library/index.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { startPair } from '../support/replica-set.ts';
import { numbered } from '../support/seeds.ts';

checkForLeaks();

test('a program plans a migration, and compares two clusters', async () => {
  await using pair = await startPair();
  const orders = numbered(120);
  await pair.source.client.db('shop').collection('orders').insertMany(orders);
  const clusters = { source: { uri: pair.source.uri }, destination: { uri: pair.destination.uri } };

  const { canStart, size, source, copyTime } = await planMigration({ ...clusters, migrationId: newMigrationId() });
  assert.deepEqual([canStart, size?.documents, source?.replicaSet], [true, 120, true]);
  assert.ok(copyTime && copyTime.seconds >= 0);

  await pair.destination.client.db('shop').collection('orders').insertMany(orders.slice(1));
  const comparison = new Verification({ ...clusters, settleMs: 100 });
  const { report, differences } = await comparison.run();
  assert.equal(report.result, 'DIFFERENT');
  assert.deepEqual(
    differences.map(({ namespace, class: kind }) => [namespace, kind]),
    [['shop.orders', 'MISSING']],
  );
  assert.equal(comparison.progress().collectionsDone, 1);

  const repaired = await new Verification({ ...clusters, settleMs: 100, repair: true }).run();
  assert.deepEqual([repaired.report.result, repaired.report.differences.repaired], ['EQUAL', 1]);
});
