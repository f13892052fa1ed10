import { z } from 'zod';

/** Why another host leads a migration. */
export const takeOverReason = z.enum(['SILENT', 'LEFT', 'REQUESTED', 'CUT_OFF']).meta({
  description:
    'SILENT: the former host was lost. LEFT: its agent had ended as planned. REQUESTED: an operator moved the migration. ' +
    'CUT_OFF: only the former host could not reach one of the clusters.',
});

export type TakeOverReason = z.infer<typeof takeOverReason>;
