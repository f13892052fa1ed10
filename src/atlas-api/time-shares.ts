import { z } from 'zod';

const share = (description: string) => z.number().min(0).max(1).meta({ description });

/** Schema of what the time of an engine went to. */
export const timeShares = z
  .object({
    seconds: z.number().meta({ description: 'The length of the measured time, up to a minute.' }),
    sourceRead: share('Waited for replies of the source.'),
    engine: share('The process of the agent computed, also for other migrations.'),
    destinationWrite: share('Waited for acknowledgements of the destination, or for its index builds.'),
    throttled: share('Waited because of the limit of the copy rate.'),
    memory: share('Waited for memory that other documents in flight hold.'),
    idle: share('Nothing was to be copied or applied. Comparing documents counts as idle, but for its computing.'),
  })
  .meta({
    description:
      'What the time of copying and applying went to, in shares of 1 whose sum is 1. While several tasks wait, the time is divided evenly among them. ' +
      'Absent before it is measured, while nothing runs, and if the agent does not report it.',
  });
