import type { CollectionProgress } from '../contract/index.ts';
import { readWindow } from '../http/index.ts';

/**
 * Returns the answer of `GET /collections`: a page of the collections, the largest first, as `linkspan serve` shows those of a migration.
 * @param collections  undefined while this process does not know them
 * @param query        `namespace`: a text that names contain, in any case; `pageNum`, `itemsPerPage`
 * @throws UserError INVALID_QUERY_PARAMETER
 */
export function collectionsResponse(
  collections: readonly CollectionProgress[] | undefined,
  query: URLSearchParams,
  nowMs: number,
) {
  const { skip, limit } = readWindow(query);
  const wanted = (query.get('namespace') ?? '').toLowerCase();
  const all = collections ?? [];
  const matching = all
    .filter(({ namespace }) => namespace.toLowerCase().includes(wanted))
    .sort((a, b) => sizeOf(b) - sizeOf(a) || (a.id < b.id ? -1 : 1));
  return {
    results: matching.slice(skip, skip + limit).map(({ id: _, ...shown }) => shown),
    totalCount: matching.length,
    reportedAt: collections === undefined ? null : new Date(nowMs).toISOString(),
    isCurrent: true,
    itemsReported: all.length,
    itemsTotal: all.length,
    success: true,
  };
}

const sizeOf = ({ bytesTotal, bytesCopied }: CollectionProgress) => bytesTotal ?? bytesCopied;
