import { type Found, found } from '../finding.ts';
import type { Look } from '../look.ts';

/** Above this load, the engine would wait for processors more than it works. */
const BUSY_LOAD = 2;
/** With a larger difference, times in logs and progress mislead, and documents expire at other times than before. */
const MOST_APART_MS = 10_000;

/** Whether this machine has capacity for a migration. */
export function checkLoad({ host }: Look): Found[] {
  const load = host.loadPerProcessor();
  return load > BUSY_LOAD ? [found('HOST_BUSY', [load.toFixed(1)])] : [];
}

/** Whether the clocks of this machine and both clusters agree. */
export function checkClocks({ from, to }: Look): Found[] {
  return [...clockOf('source', from.clockAheadMs), ...clockOf('destination', to.clockAheadMs)];
}

function clockOf(side: 'source' | 'destination', aheadMs: number): Found[] {
  if (Math.abs(aheadMs) <= MOST_APART_MS) return [];
  const how = `${Math.round(Math.abs(aheadMs) / 1_000)} s ${aheadMs > 0 ? 'ahead of' : 'behind'}`;
  return [found('CLOCKS_DIFFER', [side, how])];
}
