import { type Found, found, NO_TIME } from '../finding.ts';
import type { Look } from '../look.ts';

/** Indexes that the finding lists. */
const SHOWN = 5;

/** Finds search and vector search indexes, which stay behind. */
export async function checkSearchIndexes({ searchIndexes }: Pick<Look, 'searchIndexes'>): Promise<Found[]> {
  const { indexes, refused, left } = await searchIndexes();
  const names = indexes.map(({ database, collection, name }) => `${name} of ${database}.${collection}`).sort();
  const shown = names.slice(0, SHOWN).join(', ') + (names.length > SHOWN ? ', …' : '');
  const unseen = (count: number) => `the search indexes of ${count} collections and views`;
  return [
    ...(names.length === 0 ? [] : [found('SEARCH_INDEXES_LEFT', [shown])]),
    ...(refused === 0
      ? []
      : [found('CHECK_INCOMPLETE', [unseen(refused), 'the user on the source lacks listSearchIndexes'])]),
    ...(left === 0 ? [] : [found('CHECK_INCOMPLETE', [unseen(left), NO_TIME])]),
  ];
}
