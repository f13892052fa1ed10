import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Returns the version of what a checkout builds, as npm writes it: that of `package.json` X.Y.Z for the commit with its tag `vX.Y.Z`, and for
 * sources without history. Any other commit has X.Y.(Z+1)-dev.TIME, with the commit's time in UTC as digits: it comes after X.Y.Z and all earlier
 * commits, and before the next release.
 */
export function buildVersion(checkout: string): string {
  const { version } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'));
  const head = headOf(checkout);
  if (head === undefined || head.tags.includes(`v${version}`)) return version;
  const [major, minor, patch] = version.split('.');
  const digits = new Date(head.committedAt * 1_000).toISOString().replace(/\.\d+Z$|\D/g, '');
  return `${major}.${minor}.${Number(patch) + 1}-dev.${digits}`;
}

/** Returns a version in the form of dpkg and RPM: there a hyphen begins the package's revision, and a tilde marks what comes before a version. */
export function distributionVersion(version: string): string {
  return version.replaceAll('-', '~');
}

/** Gives an unpacked npm package a version. */
export function setVersion(folder: string, version: string): void {
  const file = join(folder, 'package.json');
  writeFileSync(file, `${JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), version }, null, 2)}\n`);
}

/** Returns the tags and the time, in seconds since the epoch, of the checkout's commit; undefined for sources without history. */
function headOf(checkout: string): { readonly tags: readonly string[]; readonly committedAt: number } | undefined {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: checkout, encoding: 'utf8', stdio: 'pipe' });
  try {
    // Sources without history may lie inside of another repository.
    if (git('rev-parse', '--show-toplevel').trim() !== realpathSync(checkout)) return undefined;
    const committedAt = Number(git('log', '-1', '--format=%ct'));
    return { tags: git('tag', '--points-at', 'HEAD').split('\n'), committedAt };
  } catch {
    return undefined;
  }
}
