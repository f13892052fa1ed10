import { readFileSync, writeFileSync } from 'node:fs';
import { commandLineErrors } from '../../src/platform/errors/command-line.ts';
import type { ErrorDefinition } from '../../src/platform/errors/define.ts';
import { engineErrors } from '../../src/platform/errors/engine.ts';
import { linkErrors } from '../../src/platform/errors/link.ts';
import { verificationErrors } from '../../src/platform/errors/verification.ts';

const PAGE = new URL('../../docs/10-troubleshooting.md', import.meta.url);
const MARK = '<!-- Below: out of the error catalogue. npm run docs:troubleshooting writes it. -->\n';

const CHAPTERS: readonly (readonly [string, Readonly<Record<string, ErrorDefinition>>])[] = [
  ['The agent and its link', linkErrors],
  ['A migration', { ...engineErrors, ...verificationErrors }],
  ['A command and its files', commandLineErrors],
];

/** `docs/10-troubleshooting.md`: its head as it is written by hand, and what messages mean, by where they are met. */
export function troubleshootingDocument(): string {
  const [head = ''] = readFileSync(PAGE, 'utf8').split(MARK);
  const chapters = CHAPTERS.map(([title, errors]) => {
    const entries = Object.entries(errors)
      .map(
        ([code, { detail, remedy }]) =>
          `- **${detail.replaceAll('%', '…')}** ${remedy.replaceAll('%', '…')} \`${code}\``,
      )
      .sort();
    return `## ${title}\n\n${entries.join('\n')}\n`;
  });
  return `${head}${MARK}\n${chapters.join('\n')}`;
}

// Its own head is part of what it reads, so it cannot be redirected there.
if (import.meta.main) writeFileSync(PAGE, troubleshootingDocument());
