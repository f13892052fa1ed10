import { type ErrorData, errorText, problemsSince } from '../../contract/index.ts';
import { UserError } from '../../platform/index.ts';
import type { Migration } from '../records/records.ts';
import { writtenText } from './source-watches.ts';

/** Returns the problems since the cutover of a migration, the worst first. Empty before its cutover. */
export function problemsOf(migration: Migration): readonly ErrorData[] {
  const { state, progress } = migration;
  if (state.status !== 'COMPLETE') return [];
  const { verification } = progress?.cutoverReport ?? {};
  const { sourceWatch } = state;
  return problemsSince({
    differed: verification?.result === 'DIFFERENT' ? verification.claim : undefined,
    written: sourceWatch === undefined || sourceWatch.changes === 0 ? undefined : writtenText(sourceWatch),
    failback: problemOfFailback(migration),
  });
}

function problemOfFailback({ id, state, failback }: Migration): ErrorData | undefined {
  if (state.failback === 'LOST') {
    const { code, remedy } = new UserError('FAILBACK_LOST', [id, '']);
    return { code, message: state.error === null ? '' : errorText(state.error), remedy };
  }
  return state.endedAtMs === null && failback?.state === 'FAILED' ? failback.error : undefined;
}
