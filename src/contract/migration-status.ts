import { z } from 'zod';

/** The statuses of a live migration in Atlas's API. */
export const migrationStatus = z.enum(['NEW', 'WORKING', 'FAILED', 'COMPLETE', 'EXPIRED']);

export type MigrationStatus = z.output<typeof migrationStatus>;
