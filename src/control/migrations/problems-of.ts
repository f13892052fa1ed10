import { type Problem, problemsSince, UserError } from '../../platform/index.ts';
import type { Migration } from '../records/records.ts';
import { writtenText } from './source-watches.ts';

/** Returns what has gone wrong since the cutover of a migration, the worst first. Empty before its cutover. */
export function problemsOf(migration: Migration): readonly Problem[] {
  const { state, progress } = migration;
  if (state.status !== 'COMPLETE') return [];
  const { verification } = progress?.cutoverReport ?? {};
  const { sourceWatch } = state;
  return problemsSince({
    differed: verification?.result === 'different' ? verification.claim : undefined,
    written: sourceWatch === undefined || sourceWatch.changes === 0 ? undefined : writtenText(sourceWatch),
    wayBack: problemOfWayBack(migration),
  });
}

function problemOfWayBack({ id, state, wayBack }: Migration): Problem | undefined {
  if (state.wayBack === 'lost') {
    const { code, remedy } = new UserError('WAY_BACK_LOST', [id, '']);
    return { code, message: state.errorMessage ?? '', remedy };
  }
  return state.endedAtMs === null && wayBack?.state === 'failed' ? wayBack.error : undefined;
}
