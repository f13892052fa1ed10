import type { ListedMismatch } from '../../src/engine/index.ts';

/** Returns a mismatch as an agent reports it; another number is another document. */
export function listedMismatch(number: number): ListedMismatch {
  return {
    id: number.toString(16),
    namespace: 'shop.orders',
    key: String(number),
    class: 'different',
    path: 'price',
    firstSeenMs: number,
    times: 1,
    sourceTime: { t: 1, i: 1 },
    destinationTime: { t: 1, i: 2 },
    foreign: false,
    open: true,
  };
}
