import { z } from 'zod';
import type { Validation } from '../control/index.ts';

/** One finding of preflight, as validations and migrations show it. */
export const findingSchema = z
  .object({
    code: z.string().meta({ description: 'Key of the list of errors.' }),
    severity: z.enum(['error', 'warning']).meta({ description: 'An error keeps a migration from starting.' }),
    namespace: z
      .string()
      .nullable()
      .meta({ description: 'What it is about, where that is one database or collection.' }),
    message: z.string(),
    remedy: z.string(),
    concerns: z
      .literal('cutover')
      .nullable()
      .meta({ description: '`cutover`: read it again before you ask for the cutover.' }),
  })
  .meta({ id: 'LinkspanFinding' });

export function showFinding(finding: Validation['findings'][number]): z.output<typeof findingSchema> {
  const { code, severity, message, remedy, namespace = null, concerns = null } = finding;
  return { code, severity, namespace, message, remedy, concerns };
}
