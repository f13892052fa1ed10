import { shownBytes } from '../../../contract/index.ts';
import { hasRandomIds } from '../../catalog/id-order.ts';
import { type CatalogEntry, idIndexBytes } from '../../catalog/read-catalog.ts';
import { type OrderSizes, orderOf } from '../../copy/read-order.ts';
import { readCacheBytes } from '../../mongodb/cache-size.ts';
import type { MigrationOptions } from '../../scope/options.ts';
import { type Found, found, NO_TIME } from '../finding.ts';
import type { Look } from '../look.ts';
import { collectionStatistics } from '../sizes.ts';
import { sweep } from '../within.ts';

/**
 * Finds collections that don't fit into the source's cache and whose `_id`s are random, and tells in which order the
 * copy would read them (docs/reference/pitfalls.md#pitfall-32).
 */
export async function checkRandomIds({ source, destination, from, entries, options, signal }: Look): Promise<Found[]> {
  // The caches are those of the shards, which no router shows.
  if (from.sharded) return [];
  const cacheBytes = await readCacheBytes(source);
  if (cacheBytes === undefined) return [];
  const stored = (await entries()).filter(({ type }) => type === 'collection');
  const databases = [...Map.groupBy(stored, ({ database }) => database)];
  const large = await sweep(databases, signal, async ([database, collections]) => {
    const { dataSize } = await source.db(database).command({ dbStats: 1 });
    return Number(dataSize) > cacheBytes ? collections : [];
  });
  const { results, left } = await sweep(large.results.flat(), signal, async (entry) => {
    const { dataSize = 0 } = await collectionStatistics(source, entry);
    if (Number(dataSize) <= cacheBytes || !(await hasRandomIds(source, entry.database, entry.name))) return [];
    const namespace = `${entry.database}.${entry.name}`;
    const sizes = { documents: Number(dataSize), sourceCache: cacheBytes };
    const why = whyInOrder(entry, options);
    const order = why
      ? `The copy reads it in the order of _id, because ${why}`
      : describeOrder(sizes, await idIndexBytes(source, entry), await readCacheBytes(destination));
    return [found('RANDOM_IDS', [namespace, shownBytes(sizes.documents), shownBytes(cacheBytes), order], namespace)];
  });
  return [...results.flat(), ...unseen(left, 'collections'), ...unseen(large.left, 'databases')];
}

function whyInOrder({ database, name, options }: CatalogEntry, { documentFilters = [] }: MigrationOptions): string {
  if (options.has('collation')) return 'it has a collation';
  const isFiltered = documentFilters.some((one) => one.database === database && one.collection === name);
  return isFiltered ? 'only some of its documents are selected' : '';
}

function describeOrder(
  sizes: Pick<OrderSizes, 'documents' | 'sourceCache'>,
  idIndex: number,
  destinationCache: number | undefined,
): string {
  const { order, reason } = orderOf({ ...sizes, idIndex, otherIdIndexes: 0, destinationCache });
  if (order === 'NATURAL') return 'The copy reads it in natural order';
  return `The copy reads it in the order of _id, because ${reason}`;
}

function unseen(left: number, what: string): Found[] {
  return left === 0 ? [] : [found('CHECK_INCOMPLETE', [`the order of documents of ${left} ${what}`, NO_TIME])];
}
