import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MigrationSample } from '../../src/control/index.ts';
import type { StoreUnderTest } from './conformance.ts';

const figures: MigrationSample['figures'] = {
  state: 'FOLLOWING',
  lagSeconds: 1,
  changesRead: 2,
  changesApplied: 2,
  queuedKeys: 0,
  bytesCopied: 3,
  documentsVerified: null,
  oplogLeftSeconds: null,
};

/** The part of the contract of the store's port that is about samples, run against an adapter. */
export function testSampleConformance(name: string, create: () => Promise<StoreUnderTest & AsyncDisposable>): void {
  test(`${name}: of each part of time the newest sample stays, until it is deleted by its age`, async () => {
    await using under = await create();
    const sample = (migrationId: string, spanMs: number, atMs: number): MigrationSample => ({
      migrationId,
      spanMs,
      atMs,
      figures: { ...figures, lagSeconds: atMs },
    });
    {
      await using store = await under.open();
      await store.write(async (transaction) => {
        for (const atMs of [2_500, 1_000, 1_900]) await transaction.put('migrationSamples', sample('a', 1_000, atMs));
        for (const atMs of [1_000, 59_999, 60_000])
          await transaction.put('migrationSamples', sample('a', 60_000, atMs));
        await transaction.put('migrationSamples', sample('b', 1_000, 1_500));
      });
    }
    await using store = await under.open();
    const samplesOf = (migrationId: string, spanMs: number, afterMs: number) =>
      store.find('migrationSamples', { migrationId, spanMs, atMs: { gt: afterMs } });
    assert.deepEqual(await samplesOf('a', 1_000, 0), [sample('a', 1_000, 1_900), sample('a', 1_000, 2_500)]);
    assert.deepEqual(await samplesOf('a', 1_000, 1_900), [sample('a', 1_000, 2_500)]);
    const times = async (spanMs: number) => (await samplesOf('a', spanMs, 0)).map(({ atMs }) => atMs);
    assert.deepEqual(await times(60_000), [59_999, 60_000]);
    await store.write((transaction) => transaction.delete('migrationSamples', { spanMs: 1_000, atMs: { lte: 1_900 } }));
    assert.deepEqual([await times(1_000), await times(60_000)], [[2_500], [59_999, 60_000]]);
    assert.deepEqual(await samplesOf('b', 1_000, 0), []);
  });
}
