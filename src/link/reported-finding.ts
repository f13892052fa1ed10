import { z } from 'zod';
import type { Finding } from '../engine/index.ts';
import { reportText } from './report-text.ts';

/** A preflight finding in an agent's report. */
export const reportedFinding = z.object({
  severity: z.enum(['error', 'warning']),
  code: reportText,
  message: reportText,
  remedy: reportText,
  namespace: reportText.optional(),
  concerns: z.literal('cutover').optional().catch(undefined),
}) satisfies z.ZodType<Finding>;
