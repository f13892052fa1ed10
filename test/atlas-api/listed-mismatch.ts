import { dateOf, type ListedMismatch } from '../../src/contract/index.ts';

/** Returns a mismatch as an agent reports it; another number is another document. */
export function listedMismatch(number: number): ListedMismatch {
  return {
    id: number.toString(16),
    namespace: 'shop.orders',
    key: String(number),
    class: 'DIFFERENT',
    path: 'price',
    firstSeen: dateOf(number),
    times: 1,
    sourceTime: { t: 1, i: 1 },
    destinationTime: { t: 1, i: 2 },
    external: false,
    open: true,
  };
}
