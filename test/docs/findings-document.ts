import { readFileSync, writeFileSync } from 'node:fs';
import { FINDING_CODES, findingOf } from '../../src/engine/index.ts';
import { errorCatalogue, UserError } from '../../src/platform/index.ts';

export const findingsPage = new URL('../../docs/plan/plan-a-migration.md', import.meta.url);
const HEADING = '| code | severity | meaning | what to do |\n|---|---|---|---|\n';

/** Returns the page with the table of all findings, made from the catalogue. `npm run docs:findings` writes the file. */
export function findingsDocument(): string {
  const [before = ''] = readFileSync(findingsPage, 'utf8').split(HEADING);
  const rows = FINDING_CODES.map((code) => {
    const { detail, remedy } = errorCatalogue[code];
    const { severity } = findingOf(new UserError(code));
    return `| \`${code}\` | ${severity} | ${detail.replaceAll('|', '\\|')} | ${remedy.replaceAll('|', '\\|')} |\n`;
  });
  return before + HEADING + rows.join('');
}

if (import.meta.main) writeFileSync(findingsPage, findingsDocument());
