import type { MigrationSamples } from '../../atlas-api/index.ts';
import { inWords } from '../../contract/index.ts';
import { tableOf } from './table.ts';

const COLUMNS = [
  'at',
  'state',
  'lagTimeSeconds',
  'changesRead',
  'changesApplied',
  'queuedKeys',
  'bytesCopied',
] as const;

/** The times have letters, too, which stay as they are. */
const STATE = /^[A-Z]+$/;

function shown(value: string | number | null | undefined) {
  return typeof value === 'string' && STATE.test(value) ? inWords(value) : value;
}

/** The samples of `migration history`, a line each, below how much time each stands for. */
export function historyText(answer: unknown): string {
  const history = answer as MigrationSamples;
  const results = history.at.map((_, n) => Object.fromEntries(COLUMNS.map((name) => [name, shown(history[name][n])])));
  return results.length === 0 ? '' : `\n${tableOf({ results }, COLUMNS)}`;
}
