import { execFileSync } from 'node:child_process';

/** Why test files can't be chosen: a reference that Git doesn't know, a filter that matches nothing. */
export class NothingToChoose extends Error {}

/** Returns `origin/main`, or `main` in a repository that has no `origin/main`. @param root  the repository */
export function defaultReference(root: string): string {
  try {
    git(root, 'rev-parse', '--verify', 'origin/main');
    return 'origin/main';
  } catch {
    return 'main';
  }
}

/**
 * Returns the files that differ from the last commit that the working tree shares with a reference, by paths from the repository's
 * root: committed, changed, deleted and untracked ones.
 * @throws NothingToChoose when Git knows no such commit
 */
export function changedFiles(root: string, reference: string): string[] {
  try {
    // Without the detection of renames, so that the old path is among them.
    const differing = git(root, 'diff', '--name-only', '--no-renames', '-z', '--merge-base', reference, '--');
    const untracked = git(root, 'ls-files', '--others', '--exclude-standard', '-z');
    return [...new Set([...differing, ...untracked])].sort();
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new NothingToChoose(`git can't tell what changed since "${reference}": ${stderr?.trim() ?? error}`);
  }
}

function git(root: string, ...args: readonly string[]): string[] {
  const output = execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  return output.split('\0').filter(Boolean);
}
