import { z } from 'zod';
import type { Validation } from '../control/index.ts';

/** Schema of a preflight finding in validations and migrations. */
export const findingSchema = z
  .object({
    code: z.string().meta({ description: 'A code of the error list (docs/reference/errors.md).' }),
    severity: z.enum(['error', 'warning']).meta({ description: 'An error prevents the start of a migration.' }),
    namespace: z
      .string()
      .nullable()
      .meta({ description: 'The database or collection of the finding; null if it is about more than one.' }),
    message: z.string(),
    remedy: z.string(),
    concerns: z
      .literal('cutover')
      .nullable()
      .meta({ description: '`cutover`: read the finding again before you request the cutover.' }),
  })
  .meta({ id: 'LinkspanFinding' });

export function showFinding(finding: Validation['findings'][number]): z.output<typeof findingSchema> {
  const { code, severity, message, remedy, namespace = null, concerns = null } = finding;
  return { code, severity, namespace, message, remedy, concerns };
}
