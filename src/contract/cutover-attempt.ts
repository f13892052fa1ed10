import { z } from 'zod';
import { count, date, listOf } from './primitives.ts';

/** A step of an attempt to cut over. It ends when the next one begins, so steps leave no gap. */
export const cutoverStep = z.object({
  name: z.string(),
  startedAt: date,
  durationMs: count.optional().meta({ description: 'Absent while the step runs.' }),
  reason: z.string().meta({ description: 'What the step waited for and why, or what it is for.' }),
  counts: z
    .record(z.string(), z.number())
    .optional()
    .meta({ description: 'What the step did, such as the changes that it applied and compared.' }),
});

/** One attempt to cut over, or a rehearsal of one, from the request or from the attempt before it to its end. */
export const cutoverAttempt = z.object({
  number: count.meta({ description: 'Counts attempts from 1.' }),
  rehearsalId: count.optional().meta({ description: 'The id of the rehearsal, if it is one.' }),
  startedAt: date,
  result: z
    .enum(['COMMITTED', 'POSTPONED', 'ABORTED', 'INTERRUPTED', 'FAILED', 'REHEARSED', 'NOT_REHEARSED'])
    .optional()
    .meta({
      description:
        '`COMMITTED`; `POSTPONED`: the engine tries again; `ABORTED`: no one wants the cutover any more; `INTERRUPTED`: its engine ended; ' +
        '`FAILED`: the migration ended with an error; ' +
        '`REHEARSED`: a rehearsal passed all steps that can be undone; `NOT_REHEARSED`: it did not. ' +
        'Absent while it runs.',
    }),
  reason: z
    .string()
    .optional()
    .meta({ description: 'Why the attempt was postponed or failed, or what a rehearsal did not reach.' }),
  stoppedMs: count.optional().meta({
    description: "How long users' writes were stopped: from the source's write block until one side took writes.",
  }),
  wouldStopMs: count
    .optional()
    .meta({ description: 'The pause that a cutover would have had, as a rehearsal estimates it.' }),
  steps: listOf(cutoverStep).meta({ description: 'Each begins when the one before ends, so they leave no gap.' }),
});

export type CutoverStep = z.output<typeof cutoverStep>;
export type CutoverAttempt = z.output<typeof cutoverAttempt>;
