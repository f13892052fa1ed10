import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root, with a slash at its end. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A page, as a list of pages names it. */
export interface Entry {
  readonly title: string;
  /** Path from the repository's root, such as `docs/plan/performance.md`. */
  readonly path: string;
}

/** A heading of the manual's contents, with its pages in their order. */
export interface Chapter {
  readonly title: string;
  readonly entries: readonly Entry[];
}

/** Returns the chapters of `docs/index.md`, the contents of the manual. */
export function chapters(): Chapter[] {
  const [, ...parts] = readFileSync(`${ROOT}docs/index.md`, 'utf8').split(/^## /m);
  return parts.map((part) => ({ title: part.slice(0, part.indexOf('\n')), entries: entriesIn('docs', part) }));
}

/** Returns the records of `docs/adr/index.md`. */
export function decisions(): Entry[] {
  return entriesIn('docs/adr', readFileSync(`${ROOT}docs/adr/index.md`, 'utf8'));
}

/** Returns the pages that list items of a text begin with. @param folder  of the page with the list, from the root */
function entriesIn(folder: string, text: string): Entry[] {
  return [...text.matchAll(/^- \[(.+?)\]\((\S+\.md)\)/gm)].map(([, title = '', link = '']) => ({
    title,
    path: posix.join(folder, link),
  }));
}
