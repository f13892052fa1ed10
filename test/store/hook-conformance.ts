import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HookDelivery, Store } from '../../src/control/index.ts';
import type { StoreUnderTest } from './conformance.ts';

const FIRST = { firstOfEach: ['hook', 'subject'] } as const;

const cursorOf = async (store: Store) => (await store.get('hookCursors', 'hooks'))?.sequence;

/** The part of the contract of the store's port that is about the queue of hooks, run against an adapter. */
export function testHookConformance(name: string, create: () => Promise<StoreUnderTest & AsyncDisposable>): void {
  test(`${name}: hooks get the oldest event of each migration, and the others after it`, async () => {
    await using under = await create();
    const delivery = (sequence: number, subject: string, hook = 'pager'): HookDelivery => ({
      id: `${hook} ${sequence}`,
      hook,
      subject,
      sequence,
      event: {
        id: String(sequence),
        type: 'migration.expired',
        timestamp: '2026-11-01T12:00:00.000Z',
        data: { migrationId: subject, ...(subject === 'b' && { orgId: 'o2' }) },
      },
      attempts: 0,
      lastError: null,
      givenUpAtMs: null,
      createdAtMs: sequence,
    });
    {
      await using store = await under.open();
      assert.equal(await cursorOf(store), undefined);
      await store.write(async (transaction) => {
        for (const [sequence, subject] of [
          [1, 'a'],
          [2, 'b'],
          [3, 'a'],
        ] as const)
          await transaction.insert('hookDeliveries', delivery(sequence, subject));
        await transaction.insert('hookDeliveries', delivery(3, 'a', 'ticket'));
        await transaction.put('hookCursors', { id: 'hooks', sequence: 3 });
        await transaction.put('hookCursors', { id: 'hooks', sequence: 4 });
      });
    }
    await using store = await under.open();
    assert.equal(await cursorOf(store), 4);
    const headsOf = (...hooks: string[]) =>
      store.find('hookDeliveries', { hook: { in: hooks }, givenUpAtMs: null }, FIRST);
    const heads = async (...hooks: string[]) => (await headsOf(...hooks)).map(({ id }) => id);
    assert.deepEqual(await heads('pager'), ['pager 1', 'pager 2']);
    assert.deepEqual(await heads('pager', 'ticket', 'other'), ['pager 1', 'pager 2', 'ticket 3']);
    assert.deepEqual(await heads(), []);
    assert.deepEqual((await headsOf('pager'))[0], delivery(1, 'a'));
    const failed = { ...delivery(2, 'b'), attempts: 2, lastError: 'refused', givenUpAtMs: 9 };
    await store.write(async (transaction) => {
      await transaction.delete('hookDeliveries', { id: 'pager 1' });
      await transaction.update('hookDeliveries', failed);
    });
    assert.deepEqual(await heads('pager'), ['pager 3']);
    assert.deepEqual(await store.find('hookDeliveries', { subject: 'b' }), [failed]);
    assert.deepEqual(
      await store.countBy('hookDeliveries', 'orgId', { hook: 'pager' }),
      new Map([
        ['', 1],
        ['o2', 1],
      ]),
    );
    await store.write(async (transaction) => {
      await transaction.delete('hookDeliveries', { createdAtMs: { lte: 2 } });
      await transaction.delete('hookCursors', { id: 'hooks' });
    });
    assert.deepEqual([await store.find('hookDeliveries', { subject: 'b' }), await cursorOf(store)], [[], undefined]);
  });
}
