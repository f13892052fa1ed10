import { FINDING_CODES, findingOf } from '../../src/engine/index.ts';
import { errorCatalogue, UserError } from '../../src/platform/index.ts';

const HEADING = '| code | severity | meaning | what to do |\n|---|---|---|---|\n';

/** Returns docs/plan/plan-a-migration.md with the table of all findings, made from the catalogue. @param page  its present text */
export function findingsDocument(page: string): string {
  const [before = ''] = page.split(HEADING);
  const rows = FINDING_CODES.map((code) => {
    const { detail, remedy } = errorCatalogue[code];
    const { severity } = findingOf(new UserError(code));
    return `| \`${code}\` | ${severity} | ${detail.replaceAll('|', '\\|')} | ${remedy.replaceAll('|', '\\|')} |\n`;
  });
  return before + HEADING + rows.join('');
}
