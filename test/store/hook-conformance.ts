import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HookDelivery } from '../../src/control/index.ts';
import type { StoreUnderTest } from './conformance.ts';

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
      assert.equal(await store.hookCursor(), undefined);
      await store.write(async (transaction) => {
        for (const [sequence, subject] of [
          [1, 'a'],
          [2, 'b'],
          [3, 'a'],
        ] as const)
          await transaction.insertHookDelivery(delivery(sequence, subject));
        await transaction.insertHookDelivery(delivery(3, 'a', 'ticket'));
        await transaction.setHookCursor(3);
        await transaction.setHookCursor(4);
      });
    }
    await using store = await under.open();
    assert.equal(await store.hookCursor(), 4);
    const heads = async (...hooks: string[]) => (await store.headsOfHooks(hooks)).map(({ id }) => id);
    assert.deepEqual(await heads('pager'), ['pager 1', 'pager 2']);
    assert.deepEqual(await heads('pager', 'ticket', 'other'), ['pager 1', 'pager 2', 'ticket 3']);
    assert.deepEqual(await heads(), []);
    assert.deepEqual((await store.headsOfHooks(['pager']))[0], delivery(1, 'a'));
    const failed = { ...delivery(2, 'b'), attempts: 2, lastError: 'refused', givenUpAtMs: 9 };
    await store.write(async (transaction) => {
      await transaction.deleteHookDelivery('pager 1');
      await transaction.updateHookDelivery(failed);
    });
    assert.deepEqual(await heads('pager'), ['pager 3']);
    assert.deepEqual(await store.hookDeliveriesOf('b'), [failed]);
    assert.deepEqual(
      await store.countHookDeliveries('pager'),
      new Map([
        ['', 1],
        ['o2', 1],
      ]),
    );
    await store.write(async (transaction) => {
      await transaction.deleteHookDeliveries(2);
      await transaction.setHookCursor(null);
    });
    assert.deepEqual([await store.hookDeliveriesOf('b'), await store.hookCursor()], [[], undefined]);
  });
}
