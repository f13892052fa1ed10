import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';

/** A path, or a pattern of paths, between quotation marks. */
const QUOTED = /['"`]([\w@.*{},/-]+)['"`]/g;
const LISTS_FOLDERS = /\b(?:globSync|readdirSync|readdir|cpSync)\(/;

/** Returns the known files that a file of code names in quotation marks, as in `new URL('./worker.ts', import.meta.url)`. */
export function filesNamedIn(text: string, file: string, known: ReadonlySet<string>): string[] {
  return [...text.matchAll(QUOTED)].flatMap(([, quoted = '']) => {
    const beside = join(dirname(file), quoted);
    // `programBeside` (src/platform) takes a name without its ending.
    return [beside, `${beside}.ts`, normalize(quoted)].filter((path) => path !== file && known.has(path));
  });
}

/** Returns the folders, by paths from the repository's root, that a file of code names and whose entries it may list; `''` is the root. */
export function foldersListedIn(root: string, text: string, file: string): string[] {
  if (!LISTS_FOLDERS.test(text)) return [];
  return [...text.matchAll(QUOTED)].flatMap(([, quoted = '']) => {
    const [fixed = ''] = quoted.split(/(?<=^|\/)[^/]*[*{]/);
    return [join(dirname(file), fixed), normalize(fixed)]
      .map((path) => path.replace(/\/$/, '').replace(/^\.$/, ''))
      .filter((path) => isFolderOf(root, path));
  });
}

/** Whether a text contains a file's name: its path, or its base name when that has an ending. */
export function isNamedIn(text: string, path: string): boolean {
  const base = basename(path);
  return text.includes(base.includes('.', 1) ? base : path);
}

function isFolderOf(root: string, path: string): boolean {
  const absolute = join(root, path);
  return !path.startsWith('..') && existsSync(absolute) && statSync(absolute).isDirectory();
}
