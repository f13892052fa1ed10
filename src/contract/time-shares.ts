import { z } from 'zod';

const share = (description: string) => z.number().min(0).max(1).meta({ description });

/**
 * The shares of the last minute's time for copying and applying, by use. Their sum is 1. While several tasks wait, the
 * time is divided evenly among them.
 */
export const timeShares = z.object({
  seconds: z.number().meta({ description: 'The length of the measured time, up to a minute.' }),
  sourceRead: share('Waited for replies of the source.'),
  engine: share('The process of the engine computed, also for other migrations.'),
  destinationWrite: share('Waited for acknowledgements of the destination, or for its index builds.'),
  throttled: share('Waited for the limit of the copy rate.'),
  memory: share('Waited for memory that other documents in flight hold.'),
  idle: share('Nothing was to be copied or applied. Comparing documents counts as idle, but for its computing.'),
});

export type TimeShares = z.output<typeof timeShares>;
