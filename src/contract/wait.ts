import { z } from 'zod';
import { date } from './primitives.ts';

/** A reason why a migration waits. It resumes by itself once the reason is gone. */
export const wait = z.object({
  for: z.string().meta({ description: 'For example `the destination`, or a namespace.' }),
  since: date,
  reason: z.string(),
});

export type Wait = z.output<typeof wait>;
