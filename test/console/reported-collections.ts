import type { CollectionProgress } from '../../src/contract/index.ts';
import type { ReportedLists } from '../../src/link/index.ts';

const MIB = 1024 ** 2;
const SERIES = 'c'.repeat(24);
/** The most items of one report. */
const PART = 1_000;

const NAMES = ['orders', 'events', 'customers', 'invoices', 'sessions', 'log', 'carts', 'prices', 'audit', 'users'];

/** Returns collections from the largest to the smallest; the first ones are copied now. */
export function manyCollections(number: number): CollectionProgress[] {
  return Array.from({ length: number }, (_, at) => {
    const state =
      at === 2 ? 'QUARANTINED' : at < 4 ? 'COPYING' : at < 6 ? 'INDEXING' : at % 3 === 0 ? 'WAITING' : 'DONE';
    const bytesTotal = Math.ceil((40_000 * MIB) / (at + 1));
    const documentsTotal = Math.ceil(60_000_000 / (at + 1));
    const share = state === 'WAITING' ? 0 : state === 'COPYING' ? 0.63 : state === 'QUARANTINED' ? 0.2 : 1;
    const isCopied = state === 'COPYING';
    return {
      id: at.toString(16).padStart(32, '0'),
      namespace: `shop.${NAMES[at % NAMES.length]}${at < NAMES.length ? '' : `_${at}`}`,
      state,
      reason:
        state === 'QUARANTINED'
          ? 'the destination refused the document with _id 7: Document failed validation (121)'
          : null,
      documentsCopied: Math.floor(documentsTotal * share),
      documentsTotal,
      bytesCopied: Math.floor(bytesTotal * share),
      bytesTotal,
      readOrder: at === 0 ? { order: 'NATURAL', reason: 'its _ids are random' } : null,
      documentsPerSecond: isCopied ? 41_000 : null,
      bytesPerSecond: isCopied ? 22_800_000 : null,
    };
  });
}

/** The parts in which an agent reports a list of collections. */
export function partsOf(collections: readonly CollectionProgress[]): ReportedLists[] {
  return Array.from({ length: Math.max(1, Math.ceil(collections.length / PART)) }, (_, part) => ({
    collections: {
      series: SERIES,
      part,
      total: collections.length,
      changed: collections.slice(part * PART, (part + 1) * PART),
      removed: [],
    },
  }));
}

/** The 68 collections of a scene: while they are copied, or all done. */
export function collectionsIn(state: 'COPYING' | 'FOLLOWING'): ReportedLists {
  const all = manyCollections(68).map((one) => {
    if (state === 'COPYING' && one.state !== 'QUARANTINED') return one;
    const copied = { documentsCopied: one.documentsTotal ?? 0, bytesCopied: one.bytesTotal ?? 0 };
    const rates = { documentsPerSecond: null, bytesPerSecond: null };
    return { ...one, ...copied, ...rates, state: state === 'COPYING' ? 'INDEXING' : 'DONE', reason: null } as const;
  });
  return partsOf(all)[0] ?? {};
}
