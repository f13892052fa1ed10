import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIRST_ORDER } from '../../../src/contract/index.ts';
import { loadOf } from '../../../src/engine/concurrency/load-level.ts';
import { CopyLoad } from '../../../src/engine/run/copy-load.ts';
import { systemClock } from '../../../src/platform/index.ts';

test('a window changes the load when it opens and when it closes, and never above the limit of the options', async () => {
  const ended = new AbortController();
  let nowMs = Date.parse('2026-11-27T21:58:30Z');
  const seen: string[] = [];
  const load = { current: loadOf(2) };
  const clock = {
    ...systemClock,
    now: () => nowMs,
    sleep: async (ms: number) => {
      seen.push(`${new Date(nowMs).toISOString().slice(11, 19)} ${load.current === loadOf(4) ? 4 : 2}`);
      nowMs += ms;
      if (seen.length === 5) ended.abort();
    },
  };
  const window = { days: ['FRI' as const], from: '22:00', to: '22:02', timeZone: 'UTC', loadLevel: 4 as const };
  const order = { ...FIRST_ORDER, loadLevel: 2 as const, windows: [window] };
  let adjusted = 0;
  const copyLoad = new CopyLoad(
    { clock, load, signal: ended.signal } as never,
    1_000_000,
    () => order,
    () => {
      adjusted += 1;
    },
  );
  await copyLoad.run();
  assert.deepEqual(seen, ['21:58:30 2', '21:59:00 2', '22:00:00 4', '22:01:00 4', '22:02:00 2']);
  assert.equal(adjusted, 5);
});
