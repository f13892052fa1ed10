import { z } from 'zod';
import type { MigrationView } from '../control/index.ts';
import { atlasDate } from '../http/index.ts';

const date = z.iso.datetime();
const milliseconds = z.int().nonnegative();

const step = z.object({
  name: z.string(),
  startedAt: date,
  durationMs: milliseconds.optional().meta({ description: 'Absent while the step runs.' }),
  reason: z.string().meta({ description: 'What the step waited for and why, or what it is for.' }),
  counts: z
    .record(z.string(), z.number())
    .optional()
    .meta({ description: 'What the step did, such as the changes that it applied and compared.' }),
});

/** Schema of one attempt to cut over. */
export const cutoverAttempt = z.object({
  number: z.int().positive(),
  rehearsal: z.int().optional().meta({ description: 'The name of the rehearsal, if it is one.' }),
  startedAt: date,
  result: z
    .string()
    .optional()
    .meta({
      description:
        '`committed`; `put off`: the engine tries again; `aborted`: nobody wants the cutover any more; `interrupted`: its engine ended; ' +
        '`failed`: the migration ended with an error; ' +
        '`rehearsed`: a rehearsal passed all steps that can be undone; `not rehearsed`: it did not. ' +
        'Absent while it runs.',
    }),
  reason: z
    .string()
    .optional()
    .meta({ description: 'Why the attempt was put off or failed, or what a rehearsal did not reach.' }),
  stoppedMs: milliseconds.optional().meta({
    description: "How long users' writes were stopped: from the source's write block until one side took writes.",
  }),
  wouldStopMs: milliseconds
    .optional()
    .meta({ description: 'The pause that a cutover would have had, as a rehearsal estimates it.' }),
  steps: z.array(step).meta({ description: 'Each begins when the one before ends, so they leave no gap.' }),
});

type Attempt = NonNullable<MigrationView['progress']>['cutoverAttempts'][number];

export function showAttempt({ startedAtMs, steps, ...attempt }: Attempt): z.output<typeof cutoverAttempt> {
  return {
    ...attempt,
    startedAt: atlasDate(startedAtMs),
    steps: steps.map(({ startedAtMs: atMs, ...one }) => ({ ...one, startedAt: atlasDate(atMs) })),
  };
}
