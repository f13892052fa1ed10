import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Db } from 'mongodb';
import { onFailpoint } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { holdAt, onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

const skip = needsSource('6.0', 'its stream does not show changes of the catalog');
/** A difference of the catalogs counts when it is found so often in a row. */
const COUNTS_AFTER = 4;

// id: new-collection-delays-cutover
test('a collection that is made on the source while a cutover is checked only makes the cutover wait, however long that takes', {
  skip,
}, async () => {
  await using pair = await startPair();
  const shop = pair.source.client.db('shop');
  await shop.createCollection('items');
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  using slow = holdAt('engine.catalog.comparison-begun');
  await shop.createCollection('orders');
  await slow.reached;
  let compared = 0;
  using _ = onFailpoint('engine.verify.catalogs-compared', () => {
    compared += 1;
  });
  running.steering.cutOver();
  await running.until('the next check', () => compared > COUNTS_AFTER);
  slow.release();
  assert.equal(await running.outcome, 'COMMITTED');
  await expectIdentical(pair);
});

for (const [what, change] of [
  ['a collection that is made', (shop: Db) => shop.createCollection('orders')],
  ['a rename', (shop: Db) => shop.renameCollection('items', 'orders')],
] as const)
  test(`a copy with once waits for ${what} on the source before its end, however long that takes`, {
    skip,
  }, async () => {
    await using pair = await startPair();
    const shop = pair.source.client.db('shop');
    await shop.createCollection('items');
    using slow = holdAt('engine.catalog.comparison-begun', { after: 1 });
    using changed = onceAt('engine.copy.drained', async () => {
      await change(shop);
      await slow.reached;
    });
    let compared = 0;
    using _ = onFailpoint('engine.verify.catalogs-compared', () => {
      compared += 1;
    });
    await using running = RunningMigration.start(pair, { once: true });
    await running.until('the next check', () => compared > COUNTS_AFTER);
    assert.ok(changed.result !== undefined);
    slow.release();
    assert.equal(await running.outcome, 'COMMITTED');
    await expectIdentical(pair);
  });

test('a collection that another client drops on the destination ends the cutover with its name', { skip }, async () => {
  await using pair = await startPair();
  await pair.source.client.db('shop').createCollection('items');
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  await pair.destination.client.db('shop').collection('items').drop();
  running.steering.cutOver();
  await assert.rejects(running.outcome, { code: 'NAMESPACE_CONFLICT', message: /shop\.items/ });
});

test('a view that another client drops on the destination ends a copy with `once` with its name', {
  skip,
}, async () => {
  await using pair = await startPair();
  const shop = pair.source.client.db('shop');
  await shop.createCollection('items');
  await shop.createCollection('some', { viewOn: 'items', pipeline: [] });
  using dropped = onceAt('engine.copy.drained', async () => {
    await eventually(() => pair.destination.client.db('shop').collection('some').drop(), { what: 'the view' });
  });
  await using running = RunningMigration.start(pair, { once: true });
  await assert.rejects(running.outcome, { code: 'VERIFICATION_FAILED', message: /shop\.some/ });
  assert.ok(dropped.result !== undefined);
});
