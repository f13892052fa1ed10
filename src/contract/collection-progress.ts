import { z } from 'zod';
import { count, figure } from './primitives.ts';

/** The progress of one collection. */
export const collectionProgress = z.object({
  id: z
    .string()
    .regex(/^[0-9a-f]{1,64}$/)
    .meta({ description: 'Its UUID on the source, in hexadecimal.' }),
  namespace: z.string().meta({ description: 'Its name on the source.' }),
  state: z.enum(['WAITING', 'COPYING', 'INDEXING', 'CATCHING_UP', 'DONE', 'SUSPECT', 'QUARANTINED']).meta({
    description:
      "`WAITING`: its copy has not begun; `COPYING`; `INDEXING`: it is copied; `CATCHING_UP`: it applies the changes of the copy's time; " +
      '`DONE`: it is copied and indexed, and follows every change; `SUSPECT`: it was done, changes may have been missed, and both sides are compared; ' +
      '`QUARANTINED`: it waits for `reason`, and all others continue.',
  }),
  reason: z
    .string()
    .nullable()
    .meta({ description: 'Why it does not advance, or is compared; null while it advances, or is done.' }),
  documentsCopied: count,
  documentsTotal: figure.meta({
    description: "The source's statistics, raised when exceeded; null before they are read.",
  }),
  bytesCopied: count,
  bytesTotal: figure,
  readOrder: z
    .object({ order: z.enum(['ID', 'NATURAL']), reason: z.string() })
    .nullable()
    .meta({ description: 'In which order the copy reads it, and why; null until its copy is planned.' }),
  documentsPerSecond: figure.meta({
    description: "Over the last minute of the copy; null when it isn't copied now, or unknown.",
  }),
  bytesPerSecond: figure,
});

export type CollectionProgress = z.output<typeof collectionProgress>;
