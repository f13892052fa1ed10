import type { Progress } from '../../link/index.ts';

/**
 * What is kept of a report. A process that has not opened the migration yet knows nothing of it but what it waits for: how far it was, and
 * whether it blocked the source, is as the report before said.
 */
export function knownProgress(before: Progress | null, now: Progress): Progress {
  if (before === null || now.sinceMs !== null) return now;
  const { phases, copy, indexes, changes, canWrite, findings = [], cutover } = before;
  const { state, sinceMs } = now.state === 'created' ? before : now;
  return { ...now, state, sinceMs, phases, copy, indexes, changes, canWrite, findings, ...(cutover && { cutover }) };
}
