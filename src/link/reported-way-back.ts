import { z } from 'zod';
import { reportList, reportText } from './report-text.ts';

/** The feature of an agent that runs reversible migrations. A control plane sends their orders to no other agent. */
export const REVERSALS = 'reversals';

/** The way back of a direction that has cut over, in an agent's report. */
export const reportedWayBack = z.discriminatedUnion('state', [
  /** The engine has not opened it yet. */
  z.object({ state: z.literal('preparing') }),
  z.object({
    state: z.literal('following'),
    /** Whether a cutover could begin at once after a reversal. */
    ready: z.boolean(),
    notReadyReasons: reportList(reportText),
    lagSeconds: z.number().nonnegative().nullable(),
    /** The headroom of the oplog on the side with users. Absent from agents of earlier versions. */
    oplogLeftSeconds: z.number().nonnegative().nullable().optional(),
    warnings: reportList(reportText),
  }),
  /** Its engine has stopped. */
  z.object({
    state: z.literal('failed'),
    error: z.object({ code: reportText, message: reportText, remedy: reportText }),
  }),
  /** It is on record that nobody may begin it again. */
  z.object({ state: z.literal('closed') }),
]);
export type ReportedWayBack = z.infer<typeof reportedWayBack>;
