import { newId } from '../../platform/index.ts';
import type { TrackedCollection } from '../catalog/tracked-collection.ts';
import type { EngineContext } from '../lifecycle/context.ts';

/**
 * Marks collections as suspect, all by default, of which something may be on the destination; those whose copy has not begun will be read
 * later anyway. On record when it returns.
 * @returns how many there are
 */
export async function markSuspect(
  { tracked, checkpoint, retrier }: Pick<EngineContext, 'tracked' | 'checkpoint' | 'retrier'>,
  collections: Iterable<TrackedCollection> = tracked.values(),
): Promise<number> {
  const mark = newId();
  const begun = [...collections].filter(({ isBegun }) => isBegun);
  for (const collection of begun) collection.suspicion = { mark, comparedTo: null };
  const uuids = begun.map(({ uuid }) => uuid);
  await retrier.run('the destination', () => checkpoint.saveSuspects(uuids, mark));
  return begun.length;
}
