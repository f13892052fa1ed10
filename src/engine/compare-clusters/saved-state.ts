import { z } from 'zod';
import { clusterTime, documentDifference } from '../../contract/index.ts';

const digest = z.strictObject({ count: z.number(), bytes: z.number(), digest: z.string() });

const savedPair = z.strictObject({
  /** UUIDs of both collections. */
  identity: z.string(),
  namespace: z.string(),
  /** Type and bytes of the last compared key, in base64. */
  after: z.string().nullable(),
  digests: z.strictObject({ both: digest, source: digest, destination: digest }),
  isDone: z.boolean(),
  changes: z.strictObject({ source: z.number(), destination: z.number() }),
  rechecked: z.number(),
});

export type SavedPair = z.output<typeof savedPair>;

const savedSide = z.strictObject({
  /** Resume token of the stream; null for a side that isn't watched. */
  token: z.string().nullable(),
  /** The time of the latest entry of the oplog that reads have shown; null before the first. */
  seen: clusterTime.nullable(),
  /** The shards of a sharded cluster at the first position. */
  shards: z.array(z.string()).optional(),
  /** Whether the oplog was searched for writes that no change stream shows. */
  oplogRead: z.boolean(),
});

export type SavedSide = z.output<typeof savedSide>;

/** The state that a comparison needs to resume. */
export const savedState = z.strictObject({
  /** The compared clusters and selection. A state of others is refused. */
  subject: z.string(),
  startedAtMs: z.number(),
  /** How long the comparison ran before. */
  ranMs: z.number(),
  source: savedSide,
  destination: savedSide,
  pairs: z.array(savedPair),
  differences: z.strictObject({
    /** Type and bytes of the key in base64, the difference, and whether its repair has begun. */
    listed: z.array(z.tuple([z.string(), documentDifference, z.boolean()])),
    unlisted: z.number(),
  }),
});

export type SavedState = z.output<typeof savedState>;
