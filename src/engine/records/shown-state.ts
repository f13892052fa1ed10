import { inWords, type MigrationState } from '../../contract/index.ts';

/** Texts for states whose names in records and in the API are the engine's own. */
const SHOWN: Partial<Record<MigrationState, string>> = {
  CREATED: 'not running',
  FOLLOWING: 'following changes',
  COMMITTING: 'cutting over',
};

/** Returns a migration's state as messages for people name it. */
export function shownState(state: MigrationState): string {
  return SHOWN[state] ?? inWords(state);
}
