import type { Progress } from '../../contract/index.ts';
import { engineSamples, type Measured, type MeasuredFailback } from '../../metrics/index.ts';
import type { SyncSession } from '../../sync/index.ts';

/** Returns the metrics and the readiness of a session. It has no series before the start of its migration. */
export function measuredOf(session: Pick<SyncSession, 'progress' | 'failback' | 'problems'>): Measured {
  return {
    command: 'sync',
    measure: async () => {
      const progress = session.progress();
      if (progress === undefined) return engineSamples([]);
      const problems = progress.state === 'COMMITTED' ? session.problems.length : undefined;
      return engineSamples([{ progress, failback: measuredFailback(session.failback), problems }]);
    },
    notReady: () => {
      const { state, waiting = [] } = session.progress() ?? {};
      if (state === 'FAILED') return ['the migration has failed'];
      return waiting.length === 0 ? [] : ['the migration waits'];
    },
  };
}

function measuredFailback(failback: Progress | undefined): MeasuredFailback | undefined {
  if (failback === undefined) return undefined;
  const { state, readyForCutover: ready, lagSeconds, oplog } = failback;
  if (state === 'FAILED') return { state };
  return state === 'CREATED' || state === 'PREPARING'
    ? { state: 'PREPARING' }
    : { state: 'FOLLOWING', ready, lagSeconds, oplogLeftSeconds: oplog?.leftSeconds };
}
