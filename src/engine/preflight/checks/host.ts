import { type Found, found } from '../finding.ts';
import type { Look } from '../look.ts';

/** Beyond this, the engine would wait for processors more than it works. */
const BUSY_LOAD = 2;
/** Further apart, times in logs and progress mislead, and what expires does so at another time than it did. */
const MOST_APART_MS = 10_000;

/** Whether this machine has time for a migration. */
export function checkLoad({ host }: Look): Found[] {
  const load = host.loadPerProcessor();
  return load > BUSY_LOAD ? [found('HOST_BUSY', [load.toFixed(1)])] : [];
}

/** Whether this machine and both clusters agree about the time. */
export function checkClocks({ from, to }: Look): Found[] {
  return [...clockOf('source', from.clockAheadMs), ...clockOf('destination', to.clockAheadMs)];
}

function clockOf(side: 'source' | 'destination', aheadMs: number): Found[] {
  if (Math.abs(aheadMs) <= MOST_APART_MS) return [];
  const how = `${Math.round(Math.abs(aheadMs) / 1_000)} s ${aheadMs > 0 ? 'ahead of' : 'behind'}`;
  return [found('CLOCKS_DIFFER', [side, how])];
}
