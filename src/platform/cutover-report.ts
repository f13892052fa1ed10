import { z } from 'zod';
import type { Problem } from './problems.ts';

const count = z.int().min(0);
const milliseconds = z.int().min(0);
const date = z.iso.datetime();
const address = z.string().describe('Without user, password and other settings; empty when it is unknown');

const step = z.strictObject({
  name: z.string(),
  startedAt: date,
  durationMs: milliseconds.optional().describe('Absent while the step runs'),
  reason: z.string().describe('What the step waited for and why, or what it is for'),
  counts: z.record(z.string(), z.number()).optional().describe('What the step did, as numbers'),
});

const attempt = z.strictObject({
  number: z.int().min(1),
  rehearsal: count.optional().describe('The name of the rehearsal, if it is one'),
  startedAt: date,
  result: z.string().optional().describe('How the attempt ended; absent while it runs'),
  reason: z.string().optional().describe('Why the attempt was put off'),
  stoppedMs: milliseconds.optional().describe("How long users' writes were stopped"),
  wouldStopMs: milliseconds.optional().describe('The pause that a cutover would have had, as a rehearsal estimates it'),
  steps: z.array(step).describe('Each begins when the one before ends'),
});

const UNDO = 'The command that lifts it';
const blocked = z.strictObject({ what: z.string(), undo: z.string().describe(UNDO) });

/** The report of a cutover as an engine makes it, from the cutover's point of no return on. */
export const cutoverReport = z.strictObject({
  type: z.literal('linkspan cutover'),
  formatVersion: z.literal(1),
  linkspanVersion: z.string(),
  migrationId: z.string(),
  isComplete: z.boolean().describe('Whether all work after the point of no return is done'),
  startedAt: date.nullable().describe('When the migration began'),
  endedAt: date.nullable(),
  seconds: z.number().min(0).nullable().describe('From the beginning of the migration to its end, or until now'),
  phases: z.array(z.strictObject({ name: z.string(), seconds: z.number().min(0) })),
  pause: z.strictObject({
    milliseconds: milliseconds.nullable().describe('Null when the source was not blocked, or while it is unknown'),
    explanation: z.string(),
  }),
  copied: z.strictObject({ collections: count, documents: count, bytes: count, changesApplied: count }),
  indexes: z.strictObject({
    total: count,
    unique: count.describe('Restored to unique at the cutover'),
    expiring: count.describe('Documents expire by them again since the cutover'),
  }),
  verification: z.strictObject({
    mode: z.string(),
    result: z.enum(['equal', 'different', 'not verified']),
    claim: z.string().describe('The result in words, and what it proves'),
    documentsCompared: count,
    documentsRechecked: count.describe('Comparisons of documents after their last change'),
    differed: count.describe('Documents that differed although no change explained it'),
    equalAt: date.nullable().describe("The source's time at which both sides were proven equal"),
  }),
  blocked: z.array(blocked).describe('What stays blocked after the cutover'),
  warnings: z.array(z.string()),
  connectionStrings: z.strictObject({
    before: address.describe('The source, to which applications connected'),
    after: address.describe('The destination, to which applications connect now'),
  }),
  cleanup: z
    .array(z.strictObject({ what: z.string(), command: z.string() }))
    .describe('Commands that remove what the migration leaves'),
  attempts: z.array(attempt).describe('The last attempts to cut over, with the time that each step took'),
});

export type CutoverReport = z.output<typeof cutoverReport>;

/** The report of a cutover as it is shown. */
export const shownCutoverReport = cutoverReport.extend({
  problems: z
    .array(z.strictObject({ code: z.string(), message: z.string(), remedy: z.string() }))
    .describe('What has gone wrong since the cutover, the worst first; empty while nothing has'),
  blocked: z
    .array(
      blocked.extend({ undo: blocked.shape.undo.optional().describe(`${UNDO}; absent while the way back is open`) }),
    )
    .describe('What stays blocked after the cutover'),
  cleanup: cutoverReport.shape.cleanup.describe(
    'Commands that remove what the migration leaves; empty while the way back is open, which needs it',
  ),
});

export type ShownCutoverReport = z.output<typeof shownCutoverReport>;

/** The facts about a cutover outside of its report. */
interface Since {
  readonly isWayBackOpen: boolean;
  readonly problems: readonly Problem[];
}

/** Returns the report to show. While the way back is open, it names no command that would destroy that. */
export function showCutoverReport(report: CutoverReport, { isWayBackOpen, problems }: Since): ShownCutoverReport {
  const shown = { ...report, problems: [...problems] };
  if (!isWayBackOpen) return shown;
  return { ...shown, blocked: report.blocked.map(({ what }) => ({ what })), cleanup: [] };
}
