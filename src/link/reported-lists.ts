import { z } from 'zod';
import type { CollectionProgress, ListedMismatch } from '../engine/index.ts';
import { reportList, reportText } from './report-text.ts';
import { reportedMismatch } from './reported-progress.ts';

const count = z.number().nonnegative();
const figure = count.nullable();
const itemId = z.string().regex(/^[0-9a-f]{1,64}$/);

const collection: z.ZodType<CollectionProgress> = z.object({
  id: itemId,
  namespace: reportText,
  state: z.enum(['waiting', 'copying', 'indexing', 'catching up', 'done', 'suspect', 'set aside']),
  reason: reportText.nullable(),
  documentsCopied: count,
  documentsTotal: figure,
  bytesCopied: count,
  bytesTotal: figure,
  // Older agents don't report it.
  readOrder: z
    .object({ order: z.enum(['_id', 'natural']), reason: reportText })
    .nullable()
    .default(null),
  documentsPerSecond: figure,
  bytesPerSecond: figure,
});

const mismatch = reportedMismatch.extend({ id: itemId }).transform((one) => one as object as ListedMismatch);

/** A part of a list that is too long for every report: only what has changed since the part before. */
function listPart<Item extends z.ZodType>(item: Item) {
  return z.object({
    /** Names the series of parts. A series begins with part 0, at which the control plane forgets the earlier one. */
    series: z.string().regex(/^[0-9a-f]{24}$/),
    /** Its number in the series. A part whose answer was lost is sent again, perhaps with more, under the same number. */
    part: z.int().nonnegative(),
    /** How many items the whole list has. */
    total: z.int().nonnegative(),
    changed: reportList(item),
    /** The ids of items that the list no longer has. */
    removed: reportList(itemId),
  });
}

/** The lists of one migration. Those in another form are ignored; the rest of the report counts. */
export const reportedLists = z.object({
  collections: listPart(collection).optional().catch(undefined),
  mismatches: listPart(mismatch).optional().catch(undefined),
});

export type ReportedLists = z.infer<typeof reportedLists>;
