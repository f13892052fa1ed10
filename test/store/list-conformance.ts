import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ListItems, ReportedList, StoredListItem } from '../../src/control/index.ts';
import type { StoreUnderTest } from './conformance.ts';

const collection = (id: string, namespace: string, bytesTotal: number): ListItems['collections'] => ({
  id,
  namespace,
  state: 'COPYING',
  reason: null,
  documentsCopied: 1,
  documentsTotal: 2,
  bytesCopied: 3,
  bytesTotal,
  readOrder: null,
  documentsPerSecond: null,
  bytesPerSecond: 4,
});

const stored = (migrationId: string, item: ListItems['collections']): StoredListItem => ({
  migrationId,
  list: 'collections',
  item,
  rank: Number(item.bytesTotal),
});

/** The part of the contract of the store's port that is about the lists of migrations, run against an adapter. */
export function testListConformance(name: string, create: () => Promise<StoreUnderTest & AsyncDisposable>): void {
  test(`${name}: a list is read by rank and by namespace, and deleted by its age`, async () => {
    await using under = await create();
    const [large, small, odd] = [
      collection('1', 'shop.Orders', 30),
      collection('2', 'shop.users', 10),
      collection('3', 'log.100%_orders', 20),
    ];
    const record = (migrationId: string, atMs: number): ReportedList => ({
      migrationId,
      list: 'collections',
      series: 's',
      part: 3,
      total: 9,
      stored: 3,
      atMs,
    });
    {
      await using store = await under.open();
      await store.write(async (transaction) => {
        await transaction.putListItem(stored('a', { ...small, bytesTotal: 99 }));
        for (const item of [small, odd, large]) await transaction.putListItem(stored('a', item));
        await transaction.putListItem(stored('b', small));
        await transaction.putReportedList(record('a', 1));
        await transaction.putReportedList(record('a', 7));
        await transaction.putReportedList(record('b', 8));
      });
    }
    await using store = await under.open();
    const read = (migrationId: string, namespace = '', skip = 0, limit = 9) =>
      store.listItems(migrationId, 'collections', { namespace, skip, limit });
    assert.deepEqual(await read('a'), [large, odd, small]);
    assert.deepEqual(await read('a', '', 1, 1), [odd]);
    assert.deepEqual(await read('a', 'ORDERS'), [large, odd]);
    assert.deepEqual(await read('a', '%_'), [odd]);
    assert.equal(await store.countListItems('a', 'collections', 'orders'), 2);
    assert.deepEqual(await store.listItems('a', 'mismatches', { namespace: '', skip: 0, limit: 9 }), []);
    assert.deepEqual(await store.reportedList('a', 'collections'), record('a', 7));
    assert.equal(await store.reportedList('a', 'mismatches'), undefined);

    await store.write((transaction) => transaction.deleteListItem('a', 'collections', '3'));
    assert.deepEqual(await read('a'), [large, small]);
    await store.write((transaction) => transaction.deleteLists(7));
    assert.deepEqual([await read('a'), await store.reportedList('a', 'collections')], [[], undefined]);
    assert.deepEqual(await read('b'), [small]);
    await store.write((transaction) => transaction.clearList('b', 'collections'));
    assert.deepEqual([await read('b'), await store.reportedList('b', 'collections')], [[], record('b', 8)]);
  });
}
