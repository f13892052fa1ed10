import { z } from 'zod';

const count = z.number().int().nonnegative();

/** The size of what a migration copies, and how long the copy takes, as a validation estimates both. */
export const reportedEstimate = z.object({
  collections: count,
  documents: count,
  /** Size of the documents as they are read and sent. */
  bytes: z.number().nonnegative(),
  indexes: count,
  indexBytes: z.number().nonnegative(),
  /** Databases or collections that were left out for lack of time. */
  left: count,
  /** The duration of the copy without index builds; absent when it is unknown. */
  copy: z
    .object({
      seconds: z.number().nonnegative(),
      bytesPerSecond: z.number().positive(),
      restsOn: z.enum(['ASSUMPTION', 'MEASURED_SOURCE_READ', 'CONFIGURED_LIMIT']),
    })
    .optional(),
});

export type ReportedEstimate = z.infer<typeof reportedEstimate>;
