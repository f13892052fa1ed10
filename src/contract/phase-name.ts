import { z } from 'zod';

/** The phases of a migration. `CUTOVER` lasts from the beginning of an attempt to cut over to its end. */
export const phaseName = z.enum(['PREPARING', 'COPYING', 'FOLLOWING', 'CUTOVER']);
