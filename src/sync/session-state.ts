import type { Progress } from '../engine/index.ts';

/** mongosync's states without INITIALIZING: the API opens when it is ready. */
export type SessionState = 'IDLE' | 'RUNNING' | 'PAUSED' | 'COMMITTING' | 'COMMITTED' | 'REVERSING';

/**
 * Returns mongosync's name for the state of a migration.
 * @param progress     undefined before the start
 * @param isReversing  whether the migration begins its opposite direction
 */
export function sessionState(progress: Progress | undefined, isReversing: boolean): SessionState {
  if (!progress) return 'IDLE';
  switch (progress.state) {
    case 'created':
    case 'preparing':
      return isReversing ? 'REVERSING' : 'RUNNING';
    case 'paused':
      return 'PAUSED';
    case 'committing':
      return 'COMMITTING';
    case 'committed':
      return 'COMMITTED';
    default:
      return 'RUNNING';
  }
}
