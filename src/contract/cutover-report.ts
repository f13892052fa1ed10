import { z } from 'zod';
import { cutoverAttempt } from './cutover-attempt.ts';
import { type ErrorData, errorData } from './error-data.ts';
import { phaseName } from './phase-name.ts';
import { count, date } from './primitives.ts';
import { verificationMode } from './verification-progress.ts';

const address = z.string().describe('Without user, password and other settings; empty when it is unknown');

const UNDO = 'The command that lifts it';
const blocked = z.object({ what: z.string(), undo: z.string().describe(UNDO) });

/** The report of a cutover as an engine makes it, from the cutover's point of no return on. */
export const cutoverReport = z.object({
  type: z.literal('linkspan cutover'),
  formatVersion: z.literal(1),
  linkspanVersion: z.string(),
  migrationId: z.string(),
  isComplete: z.boolean().describe('Whether all work after the point of no return is done'),
  startedAt: date.nullable().describe('When the migration began'),
  endedAt: date.nullable(),
  seconds: z.number().min(0).nullable().describe('From the beginning of the migration to its end, or until now'),
  phases: z.array(z.object({ name: phaseName, seconds: z.number().min(0) })),
  pause: z.object({
    milliseconds: count.nullable().describe('Null when the source was not blocked, or while it is unknown'),
    explanation: z.string(),
  }),
  copied: z.object({ collections: count, documents: count, bytes: count, changesApplied: count }),
  indexes: z.object({
    total: count,
    unique: count.describe('Restored to unique at the cutover'),
    expiring: count.describe('Documents expire by them again since the cutover'),
  }),
  verification: z.object({
    mode: z.enum([...verificationMode.options, 'UNKNOWN']),
    result: z.enum(['EQUAL', 'DIFFERENT', 'NOT_VERIFIED']),
    claim: z.string().describe('The result in words, and what it proves'),
    documentsCompared: count,
    documentsRechecked: count.describe('Comparisons of documents after their last change'),
    differed: count.describe('Documents that differed although no change explained it'),
    equalAt: date.nullable().describe("The source's time at which both sides were proven equal"),
    digests: z
      .object({ host: z.string(), ranges: count, documents: count })
      .optional()
      .describe('What a digest helper on this host showed to be equal, so that the engine did not read its documents'),
  }),
  blocked: z.array(blocked).describe('What stays blocked after the cutover'),
  warnings: z.array(z.string()),
  connectionStrings: z.object({
    before: address.describe('The source, to which applications connected'),
    after: address.describe('The destination, to which applications connect now'),
  }),
  cleanup: z
    .array(z.object({ what: z.string(), command: z.string() }))
    .describe('Commands that remove what the migration leaves'),
  attempts: z.array(cutoverAttempt).describe('The last attempts to cut over, with the time that each step took'),
});

export type CutoverReport = z.output<typeof cutoverReport>;

/** The report of a cutover as it is shown. */
export const shownCutoverReport = cutoverReport.extend({
  problems: z
    .array(errorData)
    .describe('What has gone wrong since the cutover, the worst first; empty while nothing has'),
  blocked: z
    .array(
      blocked.extend({ undo: blocked.shape.undo.optional().describe(`${UNDO}; absent while the failback is open`) }),
    )
    .describe('What stays blocked after the cutover'),
  cleanup: cutoverReport.shape.cleanup.describe(
    'Commands that remove what the migration leaves; empty while the failback is open, which needs it',
  ),
});

export type ShownCutoverReport = z.output<typeof shownCutoverReport>;

/** The facts about a cutover outside of its report. */
interface Since {
  readonly isFailbackOpen: boolean;
  readonly problems: readonly ErrorData[];
}

/** Returns the report to show. While the failback is open, it names no command that would destroy that. */
export function showCutoverReport(report: CutoverReport, { isFailbackOpen, problems }: Since): ShownCutoverReport {
  const shown = { ...report, problems: [...problems] };
  if (!isFailbackOpen) return shown;
  return { ...shown, blocked: report.blocked.map(({ what }) => ({ what })), cleanup: [] };
}
