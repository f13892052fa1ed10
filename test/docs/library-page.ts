import { readFileSync } from 'node:fs';

const page = readFileSync(new URL('../../docs/migrate/library.md', import.meta.url), 'utf8');

/** The names in a table of docs/migrate/library.md. */
function namesUnder(heading: string): string[] {
  const [, section = ''] = new RegExp(`\\n## ${heading}\\n(.*?)\\n## `, 's').exec(page) ?? [];
  return [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, name = '']) => name);
}

/** docs/migrate/library.md, with the names and the example that it has. */
export const libraryPage = {
  page,
  values: namesUnder('Values'),
  types: namesUnder('Types'),
  example: /```ts\n(.*?)```/s.exec(page)?.[1] ?? '',
};
