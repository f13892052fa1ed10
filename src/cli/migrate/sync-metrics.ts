import { engineSamples, type Measured } from '../../metrics/index.ts';
import type { SyncSession } from '../../sync/index.ts';

/** Returns the metrics and the readiness of a session. It has no series before the start of its migration. */
export function measuredOf(session: Pick<SyncSession, 'progress'>): Measured {
  return {
    command: 'sync',
    measure: async () => {
      const progress = session.progress();
      return engineSamples(progress === undefined ? [] : [progress]);
    },
    notReady: () => {
      const { state, waiting = [] } = session.progress() ?? {};
      if (state === 'failed') return ['the migration has failed'];
      return waiting.length === 0 ? [] : ['the migration waits'];
    },
  };
}
