import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  findOne,
  type ListItems,
  type ListName,
  type ReportedList,
  type StoredListItem,
  type Where,
  type Window,
} from '../../src/control/index.ts';
import { deleteLists } from '../../src/control/migrations/lists.ts';
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

const collections = (migrationId: string) => ({ migrationId, list: 'collections' }) as const;

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
        await transaction.put('migrationListItems', stored('a', { ...small, bytesTotal: 99 }));
        for (const item of [small, odd, large]) await transaction.put('migrationListItems', stored('a', item));
        await transaction.put('migrationListItems', stored('b', small));
        await transaction.put('migrationLists', record('a', 1));
        await transaction.put('migrationLists', record('a', 7));
        await transaction.put('migrationLists', record('b', 8));
      });
    }
    await using store = await under.open();
    const itemsOf = async (...query: [Where<'migrationListItems'>, Window<'migrationListItems'>]) =>
      (await store.find('migrationListItems', ...query)).map(({ item }) => item);
    const read = (migrationId: string, namespace = '', skip = 0, limit = 9) =>
      itemsOf({ migrationId, list: 'collections', namespace: { contains: namespace } }, { skip, limit });
    const reportedList = (migrationId: string, list: ListName) =>
      findOne(store, 'migrationLists', { migrationId, list });
    assert.deepEqual(await read('a'), [large, odd, small]);
    assert.deepEqual(await read('a', '', 1, 1), [odd]);
    assert.deepEqual(await read('a', 'ORDERS'), [large, odd]);
    assert.deepEqual(await read('a', '%_'), [odd]);
    assert.equal(
      await store.count('migrationListItems', {
        migrationId: 'a',
        list: 'collections',
        namespace: { contains: 'orders' },
      }),
      2,
    );
    assert.deepEqual(await itemsOf({ migrationId: 'a', list: 'mismatches' }, { limit: 9 }), []);
    assert.deepEqual(await reportedList('a', 'collections'), record('a', 7));
    assert.equal(await reportedList('a', 'mismatches'), undefined);

    await store.write((transaction) => transaction.delete('migrationListItems', { ...collections('a'), id: '3' }));
    assert.deepEqual(await read('a'), [large, small]);
    await store.write((transaction) => deleteLists(transaction, 7));
    assert.deepEqual([await read('a'), await reportedList('a', 'collections')], [[], undefined]);
    assert.deepEqual(await read('b'), [small]);
    await store.write((transaction) => transaction.delete('migrationListItems', collections('b')));
    assert.deepEqual([await read('b'), await reportedList('b', 'collections')], [[], record('b', 8)]);
  });
}
