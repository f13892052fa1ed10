import { z } from 'zod';
import { count } from './primitives.ts';

/** The size of the data that a migration copies, and how long the copy takes, as a validation estimates both. */
export const estimate = z.object({
  collections: count,
  documents: count,
  bytes: count.meta({ description: 'Size of the documents as they are read and sent.' }),
  indexes: count.meta({ description: 'Indexes without those on `_id`.' }),
  indexBytes: count,
  left: count.meta({ description: 'Databases or collections that were not measured, for lack of time.' }),
  copy: z
    .object({
      seconds: count.meta({ description: 'Without the time to build the indexes.' }),
      bytesPerSecond: z.number().positive(),
      restsOn: z.enum(['ASSUMPTION', 'MEASURED_SOURCE_READ', 'CONFIGURED_LIMIT']).meta({
        description: 'The slowest of these limits the rate. `ASSUMPTION`: 30 MB/s into any destination.',
      }),
    })
    .optional()
    .meta({ description: 'Absent if it is unknown.' }),
});

export type Estimate = z.output<typeof estimate>;
