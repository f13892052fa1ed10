import { z } from 'zod';
import { count, date } from './primitives.ts';

const clusterTime = z.object({
  t: count.meta({ description: 'Seconds since 1970.' }),
  i: count.meta({ description: 'The number within the second.' }),
});

/** How a document of the destination differs. */
export const differenceClass = z.enum(['MISSING', 'EXTRA', 'DIFFERENT', 'FIELD_ORDER', 'CAPPED_ORDER']).meta({
  description:
    '`MISSING` or `EXTRA` on the destination, `DIFFERENT`, `FIELD_ORDER`: the same fields in another order, ' +
    'or `CAPPED_ORDER`: a document of a capped collection in another place.',
});

/** A document that differs, or differed, although no change explains it. */
export const mismatch = z.object({
  namespace: z.string(),
  key: z.string().meta({ description: 'Its `_id` as canonical Extended JSON, shortened when it is long.' }),
  class: differenceClass,
  path: z.string().nullable().meta({ description: 'The first path that differs.' }),
  firstSeen: date,
  times: count.meta({ description: 'How often it differed, with a repair in between.' }),
  sourceTime: clusterTime.meta({ description: "The source's cluster time of the comparison." }),
  destinationTime: clusterTime.meta({ description: "The destination's cluster time of the comparison." }),
  external: z.boolean().meta({ description: 'Whether another client wrote it on the destination.' }),
  open: z.boolean().meta({ description: 'Whether it still differs, as far as known.' }),
});

export type Mismatch = z.output<typeof mismatch>;

/** A mismatch in the list of all of them. */
export const listedMismatch = mismatch.extend({
  id: z
    .string()
    .regex(/^[0-9a-f]{1,64}$/)
    .meta({ description: "Identifies the document: a digest of its collection's UUID and its key." }),
});

export type ListedMismatch = z.output<typeof listedMismatch>;
