import { colour } from './colour.ts';
import { wrapBeside } from './wrap.ts';

const MEANINGS = { ok: 'good', warning: 'warning', failed: 'error' } as const;

/** How a check ended. */
export type CheckLevel = keyof typeof MEANINGS;

/** Columns for the level and the space after it. */
const LEVEL_COLUMNS = 8;

/** Writes one result of a check to stdout. */
export function writeCheck(level: CheckLevel, subject: string, message: string): void {
  const shown = colour(MEANINGS[level], level, process.stdout);
  process.stdout.write(`${wrapBeside(shown, LEVEL_COLUMNS, `${subject}: ${message}`, process.stdout)}\n`);
}
