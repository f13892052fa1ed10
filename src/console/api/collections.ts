import { send } from './client.ts';
import { type Polled, usePolled } from './polled.ts';
import type { MigrationCollection, MigrationCollections } from './types.ts';

/** Rows of one request. */
const PAGE_SIZE = 100;

/** The rows of the list that are shown, and the figures of the whole list. */
export interface CollectionRows extends Omit<MigrationCollections, 'results' | 'links'> {
  /** How many collections match the filter. */
  readonly matching: number;
  /** The loaded rows by their place in the list, from 0; others are not in memory. */
  readonly rows: ReadonlyMap<number, MigrationCollection>;
}

/**
 * Reads the rows of a window of a migration's collections, now and every five seconds.
 * @param path       of the migration
 * @param namespace  only collections whose names contain it
 * @param first      the first row of the window
 * @param last       the row after its last one
 */
export function useCollections(
  path: string,
  namespace: string,
  { first, last }: { readonly first: number; readonly last: number },
): Polled<CollectionRows> {
  const pages = range(Math.floor(first / PAGE_SIZE), Math.floor(Math.max(first, last - 1) / PAGE_SIZE));
  const key = JSON.stringify([path, namespace, pages]);
  const read = async (signal: AbortSignal): Promise<CollectionRows> => {
    const query = `namespace=${encodeURIComponent(namespace)}&itemsPerPage=${PAGE_SIZE}`;
    const answers = await Promise.all(
      pages.map((page) =>
        send<MigrationCollections>('GET', `${path}/collections?${query}&pageNum=${page + 1}`, { signal }),
      ),
    );
    const [whole] = answers;
    if (whole === undefined) throw new Error('no page was asked for');
    const rows = new Map(
      answers.flatMap(({ results }, at) =>
        results.map((row, place) => [(pages[at] ?? 0) * PAGE_SIZE + place, row] as const),
      ),
    );
    const { reportedAt, isCurrent, itemsReported, itemsTotal, totalCount = 0 } = whole;
    return { reportedAt, isCurrent, itemsReported, itemsTotal, matching: totalCount, rows };
  };
  return usePolled(read, { key });
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}
