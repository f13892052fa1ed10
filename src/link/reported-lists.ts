import { z } from 'zod';
import { collectionProgress, listedMismatch, listOf } from '../contract/index.ts';

/** A part of a list that is too long for every report: only the changes since the part before. */
function listPart<Item extends z.ZodType>(item: Item) {
  return z.object({
    /** Names the series of parts. A series begins with part 0, at which the control plane forgets the earlier one. */
    series: z.string().regex(/^[0-9a-f]{24}$/),
    /** Its number in the series. A part whose answer was lost is sent again, perhaps with more, under the same number. */
    part: z.int().nonnegative(),
    /** How many items the whole list has. */
    total: z.int().nonnegative(),
    changed: listOf(item),
    /** The ids of items that the list no longer has. */
    removed: listOf(listedMismatch.shape.id),
  });
}

/** The lists of one migration. */
export const reportedLists = z.object({
  collections: listPart(collectionProgress).optional().catch(undefined),
  mismatches: listPart(listedMismatch).optional().catch(undefined),
});

export type ReportedLists = z.infer<typeof reportedLists>;
