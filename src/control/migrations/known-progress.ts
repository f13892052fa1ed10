import type { Progress } from '../../contract/index.ts';

/**
 * The progress to store from a report. An agent that has not opened the migration yet knows only what it waits for. So the last report
 * still shows how far the migration was and whether it blocked the source.
 */
export function knownProgress(before: Progress | null, now: Progress): Progress {
  if (before === null || now.since !== null) return now;
  const {
    phases,
    copy,
    indexes,
    changes,
    canWrite,
    findings,
    cutover,
    cutoverAttempts,
    cutoverAborted,
    cutoverReport,
  } = before;
  const { state, since } = now.state === 'CREATED' ? before : now;
  const kept = { phases, copy, indexes, changes, canWrite, findings, cutoverAttempts };
  const ofCutover = {
    ...(cutover && { cutover }),
    ...(cutoverAborted !== undefined && { cutoverAborted }),
    ...(cutoverReport && { cutoverReport }),
  };
  return { ...now, state, since, ...kept, ...ofCutover };
}
