import { z } from 'zod';
import type { SourceWatchState } from '../engine/index.ts';
import { reportList, reportText } from './report-text.ts';

/** The data of a resume token: never shown, and returned to the agent as it was. */
export const resumeToken = z.string().regex(/^[0-9A-Fa-f]{18,40000}$/, 'expected the data of a resume token');

const time = z.number().min(0).max(8_640_000_000_000_000);

/** How far a source is watched after a commit, from the control plane to the agent and back. */
export const sourceWatch: z.ZodType<SourceWatchState> = z.object({
  // Absent in watches of earlier versions.
  sourceId: reportText.optional(),
  token: resumeToken,
  untilMs: time,
  watchedToMs: time,
  changes: z.int().nonnegative(),
  namespaces: reportList(reportText),
  ended: reportText.optional(),
});
