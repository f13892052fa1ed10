import { z } from 'zod';
import { count } from './primitives.ts';

const headroom = z.object({
  windowSeconds: count.meta({ description: 'From its oldest entry to its newest.' }),
  leftSeconds: count.meta({
    description: 'Time until changes would be lost if no one read them, at the current write rate.',
  }),
  headroomPercent: count.meta({ description: "The share of its size without changes that aren't safe yet." }),
});

/** The oplog of the source. Of a sharded source the smallest figures of all shards. */
export const oplog = headroom.extend({
  shard: z
    .string()
    .optional()
    .meta({ description: 'The shard whose oplog loses changes first; only of a sharded source.' }),
});

/** The figures of one shard of the source, measured on the shard itself. */
export const shard = z.object({
  shard: z.string().meta({ description: 'Its name in `config.shards`.' }),
  whyUnknown: z.string().nullable().meta({ description: 'Why nothing is known of it; null while it answers.' }),
  oplog: headroom.nullable(),
  rates: z
    .object({ writesPerSecond: count, readsPerSecond: count, oplogBytesPerSecond: count })
    .nullable()
    .meta({ description: 'Over the last minute, as the shard counts them, of all clients.' }),
  pingMs: z.number().nullable().meta({ description: 'Round trip to its primary.' }),
});

export type Oplog = z.output<typeof oplog>;
export type Shard = z.output<typeof shard>;
