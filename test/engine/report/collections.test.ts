import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { startPair } from '../../support/replica-set.ts';
import { identified } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { holdAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

/** The collections of a migration by their namespaces. */
function byName({ migration }: RunningMigration) {
  return new Map((migration.current.collections() ?? []).map((one) => [one.namespace, one]));
}

test('each collection shows how far it is, also after another engine has resumed the migration', async () => {
  await using pair = await startPair();
  const shop = pair.source.client.db('shop');
  await shop.collection<{ _id: number }>('large').insertMany(identified(60_000, { text: 'x'.repeat(200) }));
  await shop.collection<{ _id: number }>('small').insertMany(identified(10));
  await shop.createCollection('empty');
  const migrationId = newId();
  {
    // The first batch is on the destination, and what has arrived of it is on record.
    using saved = holdAt('engine.copy.progress-saved');
    await using running = RunningMigration.start(pair, { migrationId, copyBytesPerSecond: 4_000_000 });
    assert.equal(running.migration.current.collections(), undefined, 'nothing is known before the records are read');
    await saved.reached;
    await running.until('the small ones', () => byName(running).get('shop.small')?.state === 'DONE');
    const large = byName(running).get('shop.large');
    assert.equal(large?.state, 'COPYING');
    assert.ok(large.documentsCopied > 0 && large.documentsCopied < 60_000, String(large.documentsCopied));
    assert.equal(large.documentsTotal, 60_000);
    assert.deepEqual(large.readOrder, { order: 'ID', reason: 'it is small' });
    assert.ok(large.bytesCopied > 0 && large.bytesCopied < Number(large.bytesTotal));
    await running.until('its rate', () => byName(running).get('shop.large')?.bytesPerSecond != null);
    assert.deepEqual([byName(running).get('shop.small')?.bytesPerSecond, large.reason], [null, null]);
    const ended = running.stop();
    saved.release();
    await ended;
  }
  await using resumed = RunningMigration.start(pair, { migrationId });
  const before = await eventually(() => resumed.migration.current.collections(), { what: 'the records' });
  assert.ok((before.find(({ namespace }) => namespace === 'shop.large')?.documentsCopied ?? 0) > 0);
  await resumed.untilReady();
  const after = byName(resumed);
  const figures = [...after.values()].map(({ namespace, state, documentsCopied, documentsTotal }) => [
    namespace,
    state,
    documentsCopied,
    documentsTotal,
  ]);
  assert.deepEqual(figures.toSorted(), [
    ['shop.empty', 'DONE', 0, 0],
    ['shop.large', 'DONE', 60_000, 60_000],
    ['shop.small', 'DONE', 10, 10],
  ]);
  if (needsSource('6.0', 'no drop is followed there')) return;
  await shop.dropCollection('small');
  await resumed.until('the drop', () => !byName(resumed).has('shop.small'));
});

test('a copy that reads less than the statistics of the source promise is complete at its end', async () => {
  await using pair = await startPair();
  await pair.source.client.db('shop').collection<{ _id: number }>('part').insertMany(identified(100));
  const documentFilters = [{ database: 'shop', collection: 'part', filter: { _id: { $lt: 4 } } }];
  await using running = RunningMigration.start(pair, { documentFilters });
  await running.untilReady();
  const { documentsTotal, documentsCopied, bytesTotal, bytesCopied } = running.migration.current.progress().copy;
  assert.deepEqual([documentsCopied, documentsTotal, bytesTotal - bytesCopied], [4, 4, 0]);
  assert.equal(byName(running).get('shop.part')?.documentsTotal, 4);
});

test('a collection that the destination refuses is quarantined, with the reason, while the others continue', async () => {
  await using pair = await startPair();
  for (const name of ['refused', 'fine'])
    await pair.source.client.db('shop').collection<{ _id: number }>(name).insertMany(identified(100));
  const data = {
    failCommands: ['insert'],
    namespace: 'shop.refused',
    errorCode: 2,
    appName: 'linkspan-destination',
  };
  await pair.destination.failCommand({ mode: 'alwaysOn', data });
  await using running = RunningMigration.start(pair);
  await running.until('the refusal', () => byName(running).get('shop.refused')?.state === 'QUARANTINED');
  await running.until('the other one', () => byName(running).get('shop.fine')?.state === 'DONE');
  const refused = byName(running).get('shop.refused');
  assert.match(refused?.reason ?? '', /the destination refused/);
  assert.equal(refused?.documentsCopied, 0);
  assert.equal(running.progress.copy.collectionsQuarantined, 1);
  await pair.destination.clearFailPoints();
  await running.until('the copy', ({ copy }) => copy.collectionsDone === 2 && copy.collectionsQuarantined === 0);
});

test('every document that differed is listed, not only the latest ones', async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection<{ _id: number }>('items');
  await items.insertMany(identified(200, { a: 1 }));
  await using running = RunningMigration.start(pair, { expectsMismatches: true });
  await running.untilReady();
  const copied = pair.destination.client.db('shop').collection<{ _id: number; a: number }>('items');
  await copied.updateMany({ _id: { $lt: 40 } }, { $set: { a: 2 } });
  await running.until('the repairs', ({ verification }) => {
    const { found, open } = verification.mismatches;
    return found === 40 && open === 0;
  });
  const listed = running.migration.current.mismatches() ?? [];
  assert.equal(new Set(listed.map(({ key }) => key)).size, 40);
  assert.equal(new Set(listed.map(({ id }) => id)).size, 40);
  assert.ok(listed.every(({ open, namespace, path }) => !open && namespace === 'shop.items' && path === 'a'));
});
