import type { Progress } from '../contract/index.ts';

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
    case 'CREATED':
    case 'PREPARING':
      return isReversing ? 'REVERSING' : 'RUNNING';
    case 'PAUSED':
      return 'PAUSED';
    case 'COMMITTING':
      return 'COMMITTING';
    case 'COMMITTED':
      return 'COMMITTED';
    default:
      return 'RUNNING';
  }
}
