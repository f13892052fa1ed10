import { commandLineErrors } from '../../src/platform/errors/command-line.ts';
import type { ErrorDefinition } from '../../src/platform/errors/define.ts';
import { engineErrors } from '../../src/platform/errors/engine.ts';
import { linkErrors } from '../../src/platform/errors/link.ts';
import { verificationErrors } from '../../src/platform/errors/verification.ts';

const MARK = '<!-- Below: from the error catalogue. `npm run docs` writes it. -->\n';

const CHAPTERS: readonly (readonly [string, Readonly<Record<string, ErrorDefinition>>])[] = [
  ['The agent and its link', linkErrors],
  ['A migration', { ...engineErrors, ...verificationErrors }],
  ['A command and its files', commandLineErrors],
];

/**
 * Returns `docs/operate/troubleshooting.md`: its handwritten head, and the meaning of all messages by the place where they occur.
 * @param page  its present text
 */
export function troubleshootingDocument(page: string): string {
  const [head = ''] = page.split(MARK);
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
