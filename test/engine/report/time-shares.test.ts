import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TimeShares } from '../../../src/contract/index.ts';
import { TimeMeter } from '../../../src/engine/report/time-shares.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { emptyPair, identified } from '../../support/seeds.ts';
import { RunningMigration } from '../running-migration.ts';

const waitedMs = (changes: Partial<Parameters<TimeMeter['add']>[1]['waitedMs']> = {}) => ({
  source: 0,
  destination: 0,
  throttle: 0,
  memory: 0,
  ...changes,
});

function sumOf({ seconds: _, ...shares }: TimeShares): number {
  return Object.values(shares).reduce((sum, share) => sum + share, 0);
}

test('the shares are those of the last minute in this state, and their sum is 1', () => {
  const meter = new TimeMeter();
  meter.add('PREPARING', { atMs: 0, waitedMs: waitedMs(), busyMs: 0 });
  meter.add('COPYING', { atMs: 10_000, waitedMs: waitedMs({ memory: 9_000 }), busyMs: 5_000 });
  assert.equal(meter.shares, undefined);
  meter.add('COPYING', { atMs: 20_000, waitedMs: waitedMs({ memory: 9_000, source: 5_000 }), busyMs: 10_000 });
  assert.deepEqual(meter.shares, {
    seconds: 10,
    sourceRead: 0.25,
    engine: 0.5,
    destinationWrite: 0,
    throttled: 0,
    memory: 0,
    idle: 0.25,
  });
  for (let second = 21; second <= 80; second += 1)
    meter.add('COPYING', {
      atMs: second * 1_000,
      waitedMs: waitedMs({ memory: 9_000, source: 5_000, throttle: (second - 20) * 1_000 }),
      busyMs: 10_000,
    });
  const { seconds, sourceRead, throttled } = meter.shares ?? {};
  assert.deepEqual([seconds, sourceRead, throttled], [60, 0, 1]);
});

/** The slow part of a migration, and the share that has to be the largest one. */
const LIMITS: Readonly<
  Record<string, { readonly largest: keyof TimeShares; readonly slow: (pair: ReplicaSetPair) => Promise<object> }>
> = {
  'a limit of the copy rate': {
    largest: 'throttled',
    slow: async () => ({ copyBytesPerSecond: 1_000_000 }),
  },
  'a slow destination': {
    largest: 'destinationWrite',
    slow: async ({ destination }) => {
      const data = { failCommands: ['insert'], namespace: 'shop.items', blockConnection: true, blockTimeMS: 1_500 };
      await destination.failCommand({ mode: 'alwaysOn', data });
      return {};
    },
  },
  'a slow source': {
    largest: 'sourceRead',
    slow: async ({ source }) => {
      const data = { failCommands: ['getMore'], namespace: 'shop.items', blockConnection: true, blockTimeMS: 1_500 };
      await source.failCommand({ mode: 'alwaysOn', data });
      return {};
    },
  },
};

test('the time of the copy goes to what is slow', async (t) => {
  await using pair = await startPair();
  for (const [name, { largest, slow }] of Object.entries(LIMITS)) {
    await t.test(name, async () => {
      await emptyPair(pair);
      const items = pair.source.client.db('shop').collection<{ _id: number }>('items');
      for (let at = 0; at < 5; at += 1)
        await items.insertMany(
          identified(20_000, { text: 'x'.repeat(300) }).map((one) => ({ ...one, _id: one._id + at * 20_000 })),
        );
      const options = await slow(pair);
      await using running = RunningMigration.start(pair, options);
      let measured: TimeShares | undefined;
      // The first seconds are also the engine's, which begins the copy meanwhile.
      await running.until(`most of three seconds or more of the copy to be ${largest}`, ({ state, timeShares }) => {
        assert.notEqual(state, 'FOLLOWING', `the copy ended before: ${JSON.stringify(measured)}`);
        if (state === 'COPYING') measured = timeShares;
        return measured !== undefined && measured.seconds >= 3 && measured[largest] > 0.5;
      });
      assert.ok(measured);
      assert.ok(Math.abs(sumOf(measured) - 1) < 1e-9, JSON.stringify(measured));
      for (const side of ['source', 'destination'] as const) await pair[side].clearFailPoints();
    });
  }

  await t.test('a migration that has caught up is idle', async () => {
    await emptyPair(pair);
    await pair.source.client.db('shop').collection<{ _id: number }>('items').insertMany(identified(10));
    await using running = RunningMigration.start(pair);
    await running.untilReady();
    await running.until('five seconds of following', ({ timeShares }) => (timeShares?.seconds ?? 0) >= 5);
    const { timeShares } = running.progress;
    assert.ok(timeShares && timeShares.idle > 0.5, JSON.stringify(timeShares));
    running.steering.pause();
    await running.until('the pause', ({ state }) => state === 'PAUSED');
    assert.equal(running.progress.timeShares, undefined, 'nothing runs');
  });
});
