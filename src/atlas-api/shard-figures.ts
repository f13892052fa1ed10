import { z } from 'zod';

const count = z.int().nonnegative();

/** Schema of an oplog of the source, or of what holds for those of all its shards. */
export const oplogSchema = z.object({
  windowSeconds: count,
  leftSeconds: count,
  headroomPercent: count,
  shard: z.string().optional().meta({ description: 'The shard whose oplog loses changes first.' }),
});

/** Schema of the figures of one shard of the source. */
export const shardSchema = z.object({
  shard: z.string(),
  whyUnknown: z.string().nullable().meta({ description: 'Why nothing is known of it; null while it answers.' }),
  oplog: oplogSchema.omit({ shard: true }).nullable(),
  rates: z
    .object({ writesPerSecond: count, readsPerSecond: count, oplogBytesPerSecond: count })
    .nullable()
    .meta({ description: 'Over the last minute, as the shard counts them, whoever causes them.' }),
  pingMs: z.number().nullable().meta({ description: 'Round trip from the agent to its primary.' }),
});
