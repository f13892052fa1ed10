import { z } from 'zod';
import { errorData } from './error-data.ts';

/** One result of the preflight. Errors keep a migration from starting, warnings don't. */
export const finding = errorData
  .extend({
    severity: z.enum(['ERROR', 'WARNING']).meta({ description: 'An error prevents the start of a migration.' }),
    namespace: z
      .string()
      .optional()
      .meta({ description: 'The database or collection that it is about; absent if it is about more than one.' }),
    concerns: z
      .literal('CUTOVER')
      .optional()
      .meta({ description: '`CUTOVER`: read the finding again before you request the cutover.' }),
  })
  .meta({ id: 'LinkspanFinding' });

export type Finding = z.output<typeof finding>;
