import { UserError } from '../platform/index.ts';
import { readBoolean } from './presentation.ts';

/** Atlas's limits for a page (docs/reference/atlas-contract.md). */
const DEFAULT_ITEMS = 100;
const MAX_ITEMS = 500;
/** Query parameters that the links of a page repeat. */
const FILTERS = [
  'name',
  'eventType',
  'namespace',
  'minDate',
  'maxDate',
  'actorName',
  'targetKind',
  'targetId',
  'status',
  'source',
  'destination',
  'label',
];

interface Link {
  readonly href: string;
  readonly rel: string;
}

interface Page<T> {
  readonly links: readonly Link[];
  readonly results: readonly T[];
  readonly totalCount?: number;
}

/**
 * The page of a list that a request selects with pageNum (from 1), itemsPerPage and includeCount.
 * @param address  the list's URL without query, for the links to itself and its neighbours
 * @throws UserError INVALID_QUERY_PARAMETER
 */
export function pageOf<T>(items: readonly T[], query: URLSearchParams, address: string): Page<T> {
  const { skip, limit } = readWindow(query);
  return pageOfSome({ results: items.slice(skip, skip + limit), total: items.length }, query, address);
}

/** The part of a list that a page shows. @throws UserError INVALID_QUERY_PARAMETER */
export function readWindow(query: URLSearchParams): { readonly skip: number; readonly limit: number } {
  const pageNum = readNumber(query, 'pageNum', 1, Number.MAX_SAFE_INTEGER);
  const limit = readNumber(query, 'itemsPerPage', DEFAULT_ITEMS, MAX_ITEMS);
  return { skip: (pageNum - 1) * limit, limit };
}

/**
 * The page of a list from which the caller read only the items of that page.
 * @param results  the items that {@link readWindow} selects
 * @throws UserError INVALID_QUERY_PARAMETER
 */
export function pageOfSome<T>(
  { results, total }: { readonly results: readonly T[]; readonly total: number },
  query: URLSearchParams,
  address: string,
): Page<T> {
  const { skip, limit: itemsPerPage } = readWindow(query);
  const pageNum = skip / itemsPerPage + 1;
  const includeCount = readBoolean(query, 'includeCount', true);
  const filters = [...query].filter(([name]) => FILTERS.includes(name));
  // As recorded from Atlas: filters follow includeCount, and neighbours have pageNum and itemsPerPage in the other order.
  const before = `${address}?includeCount=${includeCount}${filters.map(([name, value]) => `&${name}=${encodeURIComponent(value)}`).join('')}`;
  const neighbour = (rel: string, number: number): Link => ({
    href: `${before}&itemsPerPage=${itemsPerPage}&pageNum=${number}`,
    rel,
  });
  return {
    links: [
      { href: `${before}&pageNum=${pageNum}&itemsPerPage=${itemsPerPage}`, rel: 'self' },
      ...(pageNum > 1 ? [neighbour('previous', pageNum - 1)] : []),
      ...(skip + itemsPerPage < total ? [neighbour('next', pageNum + 1)] : []),
    ],
    results,
    ...(includeCount ? { totalCount: total } : {}),
  };
}

function readNumber(query: URLSearchParams, name: string, byDefault: number, most: number): number {
  const text = query.get(name);
  if (text === null) return byDefault;
  const number = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > most) throw new UserError('INVALID_QUERY_PARAMETER', [name, `a number from 1 to ${most}`]);
  return number;
}
