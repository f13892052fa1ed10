import type { MigrationState } from './migration-state.ts';

/** Texts for states whose names in records and in the API are the engine's own. */
const SHOWN: Partial<Record<MigrationState, string>> = {
  created: 'not running',
  tailing: 'following changes',
  committing: 'cutting over',
};

/** Returns a migration's state as messages for people name it. */
export function shownState(state: MigrationState): string {
  return SHOWN[state] ?? state;
}
