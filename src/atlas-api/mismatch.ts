import { z } from 'zod';
import type { Migration } from '../control/index.ts';
import { atlasDate } from '../http/index.ts';

const count = z.int().nonnegative();
const date = z.iso.datetime();

const clusterTime = z.object({
  t: count.meta({ description: 'Seconds since 1970.' }),
  i: count.meta({ description: 'The number within the second.' }),
});

/** Schema of a document that differs, or differed, between source and destination. */
export const mismatchSchema = z.object({
  namespace: z.string(),
  key: z.string().meta({ description: 'Its `_id` as canonical Extended JSON, shortened when it is long.' }),
  class: z.string().meta({
    description:
      '`missing` or `extra` on the destination, `different`, or `field order`: the same fields in another order.',
  }),
  path: z.string().nullable().meta({ description: 'The first path that differs.' }),
  firstSeen: date,
  times: count.meta({ description: 'How often it differed, with a repair in between.' }),
  sourceTime: clusterTime.meta({ description: "The source's cluster time of the comparison." }),
  destinationTime: clusterTime.meta({ description: "The destination's cluster time of the comparison." }),
  foreign: z.boolean().meta({ description: 'Whether somebody else wrote it on the destination.' }),
  open: z.boolean().meta({ description: 'Whether it still differs, as far as known.' }),
});

export type ShownMismatch = z.output<typeof mismatchSchema>;

type Mismatch = NonNullable<Migration['progress']>['verification']['mismatches']['latest'][number];

/** Returns a mismatch that an agent reported as the API shows it. */
export function showMismatch({ firstSeenMs, ...mismatch }: Mismatch): ShownMismatch {
  const { namespace, key, path, times, sourceTime, destinationTime, foreign, open } = mismatch;
  return {
    namespace,
    key,
    class: mismatch.class,
    path,
    firstSeen: atlasDate(firstSeenMs),
    times,
    sourceTime: { t: sourceTime.t, i: sourceTime.i },
    destinationTime: { t: destinationTime.t, i: destinationTime.i },
    foreign,
    open,
  };
}
