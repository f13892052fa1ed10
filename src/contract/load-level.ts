import { z } from 'zod';

/** How much load the initial sync may cause, with mongosync's numbers: 1 is the lowest. */
export const loadLevel = z.literal([1, 2, 3, 4]);

export type LoadLevel = z.output<typeof loadLevel>;

export const DEFAULT_LOAD_LEVEL: LoadLevel = 3;
