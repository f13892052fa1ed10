import { globSync } from 'node:fs';
import { LONG_FILES } from '../long-files.ts';
import { affectedFiles } from './affected-files.ts';
import { changedFiles, NothingToChoose } from './changed-files.ts';

/** Which test files the command line asks for. */
export interface Request {
  /** Only the long ones, in place of all others. */
  readonly long: boolean;
  /** Parts of paths; a file is chosen when one matches. Without any, all are. Outside of `long` they choose among the long ones as well. */
  readonly filters: readonly string[];
  /** Chooses only what changes since this Git reference can affect. */
  readonly since: string | undefined;
}

/** The chosen test files, by paths from the repository's root, and lines that say why. */
export interface Choice {
  readonly files: readonly string[];
  readonly notes: readonly string[];
}

/**
 * Chooses test files.
 * @param longFiles  see `test/long-files.ts`
 * @throws NothingToChoose when a filter matches no file, or Git doesn't know the reference
 */
export function chooseFiles(root: string, { long, filters, since }: Request, longFiles = LONG_FILES): Choice {
  const present = globSync('test/**/*.test.ts', { cwd: root }).sort();
  const others = present.filter((file) => !longFiles.includes(file));
  const every = long ? longFiles : filters.length > 0 ? present : others;
  const files = matching(every, filters);
  if (since === undefined) return { files, notes: [] };

  const changed = changedFiles(root, since);
  const groups = affectedFiles(root, changed, present);
  const affected = groups.flatMap((group) => group.files);
  const chosen = files.filter((file) => affected.includes(file));
  const reasons = groups.flatMap((group) => {
    const count = group.files.filter((file) => chosen.includes(file)).length;
    return count > 0 ? [`  ${count} ${group.reason}`] : [];
  });
  const left = longFiles.filter((file) => affected.includes(file) && !chosen.includes(file));
  const command = `npm run test:long -- --since ${since}`;
  return {
    files: chosen,
    notes: [
      `${changed.length} changed files since ${since}: ${chosen.length} of ${files.length} test files are affected`,
      ...reasons,
      ...(long || filters.length > 0 || left.length === 0
        ? []
        : [
            `${left.length} long test files are affected too, run them by \`${command}\`:`,
            ...left.map((file) => `  ${file}`),
          ]),
    ],
  };
}

function matching(files: readonly string[], filters: readonly string[]): string[] {
  if (filters.length === 0) return [...files];
  const chosenBy = (filter: string) => files.filter((file) => file.includes(filter.replace(/^\.\//, '')));
  const idle = filters.filter((filter) => chosenBy(filter).length === 0);
  if (idle.length > 0) {
    const named = idle.map((filter) => `"${filter}"`).join(', ');
    throw new NothingToChoose(`no test file matches ${named}: nothing was tested`);
  }
  return [...new Set(filters.flatMap(chosenBy))];
}
