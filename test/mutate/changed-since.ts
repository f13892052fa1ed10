import { execFileSync } from 'node:child_process';
import type { Mutant } from './mutant.ts';
import type { Rule } from './rules.ts';

/** Returns whether the file of the mutant's rule, its test file, or its own row has changed since a commit. */
export function changedSince(ref: string, root: string): (mutant: Mutant, rule: Rule) => boolean {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' });
  const files = new Set(git('diff', '--name-only', ref, '--', 'src', 'test').split('\n'));
  const rows = git('diff', '--unified=0', ref, '--', 'test/mutate').split('\n');
  const added = rows.filter((line) => line.startsWith('+'));
  return ({ rule: name, tests }, { file }) =>
    files.has(file) || files.has(tests.file) || added.some((line) => line.includes(`'${name}',`));
}
