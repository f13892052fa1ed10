import { z } from 'zod';
import { documentDifference } from './verification-report.ts';

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

/** The state that a comparison needs to resume. */
export const savedState = z.strictObject({
  /** The compared clusters and selection. A state of others is refused. */
  subject: z.string(),
  startedAtMs: z.number(),
  /** How long the comparison ran before. */
  ranMs: z.number(),
  /** Resume tokens of the streams; null for a side that isn't watched. */
  tokens: z.strictObject({ source: z.string().nullable(), destination: z.string().nullable() }),
  pairs: z.array(savedPair),
  differences: z.strictObject({
    listed: z.array(z.tuple([z.string(), documentDifference])),
    unlisted: z.number(),
  }),
});

export type SavedState = z.output<typeof savedState>;
