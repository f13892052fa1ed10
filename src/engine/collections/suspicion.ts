import { newId } from '../../platform/index.ts';
import type { Records } from '../records/context.ts';
import type { Migrated } from './context.ts';
import type { TrackedCollection } from './tracked-collection.ts';

/**
 * Marks collections as suspect if the destination may have data of them. A collection whose copy hasn't begun is read
 * later anyway. On record when it returns.
 * @param concerned  which ones; all by default
 * @returns the marked collections
 */
export async function markSuspect(
  { tracked, checkpoint }: Records & Migrated,
  concerned: (collection: TrackedCollection) => boolean = () => true,
): Promise<readonly TrackedCollection[]> {
  const mark = newId();
  const begun = [...tracked.values()].filter((collection) => collection.isBegun && concerned(collection));
  // rule: mark-suspect-collections
  for (const collection of begun) collection.suspicion = { mark, comparedTo: null };
  const uuids = begun.map(({ uuid }) => uuid);
  await checkpoint.saveSuspects(uuids, mark);
  return begun;
}
