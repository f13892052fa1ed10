import type { MigrationState } from './migration-state.ts';

/** The states whose names in records and in the API are the engine's own words. */
const SHOWN: Partial<Record<MigrationState, string>> = {
  created: 'not running',
  tailing: 'following changes',
  committing: 'cutting over',
};

/** A migration's state in messages for people. */
export function shownState(state: MigrationState): string {
  return SHOWN[state] ?? state;
}
