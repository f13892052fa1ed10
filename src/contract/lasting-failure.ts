import type { ErrorData } from './error-data.ts';

/** The errors of a failback that doesn't begin again by itself. A restart of its engine resumes it after a take-over only. */
const LASTING: readonly string[] = ['TAKEN_OVER', 'FAILBACK_LOST', 'CUTOVER_RECORD_LOST', 'DESTINATION_TAKEN'];

/** Whether the failure of a failback lasts until an operator acts. */
export function isLastingFailure({ code }: Pick<ErrorData, 'code'>): boolean {
  return LASTING.includes(code);
}
