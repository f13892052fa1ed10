import { z } from 'zod';

/** How a run ended without an error. */
export const outcome = z.enum(['COMMITTED', 'STOPPED', 'CANCELLED']);

export type Outcome = z.output<typeof outcome>;
