import { execFileSync } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { cutChangelog } from './changelog.ts';

/**
 * `npm run release -- VERSION`: sets the version, makes the unreleased entries of the changelog those of the version, commits and tags that. It pushes
 * nothing. npm then runs `postrelease`, which makes all packages in `dist/packages`.
 */
const root = resolve(import.meta.dirname, '..');
/** Files that name the image of this version. */
const NAMING = [
  'deploy/*.yaml',
  'deploy/Dockerfile',
  'deploy/kubernetes/base/*/*.yaml',
  'docs/get-started/containers.md',
];
const SEMANTIC = /^(\d+)\.(\d+)\.(\d+)$/;

const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();

/** @throws Error when a release can't be made of this checkout */
function assertReleasable(old: string, wanted: string): void {
  const [now, next] = [old, wanted].map((text) => SEMANTIC.exec(text)?.slice(1).map(Number));
  if (now === undefined || next === undefined) throw new Error(`"${wanted}" is no version like 1.2.3`);
  const part = next.findIndex((number, n) => number !== now[n]);
  if (part < 0 || (next[part] ?? 0) < (now[part] ?? 0)) throw new Error(`${wanted} does not come after ${old}`);
  if (git('status', '--porcelain') !== '') throw new Error('the checkout has changes that are not committed');
}

function rewrite(file: string, change: (text: string) => string): void {
  const path = join(root, file);
  writeFileSync(path, change(readFileSync(path, 'utf8')));
}

/** Replaces the version where a file names the image. */
function renameImage(text: string, old: string, version: string): string {
  const escaped = old.replaceAll('.', '\\.');
  return text.replace(new RegExp(`(linkspan:|VERSION=|prints \`)${escaped}`, 'g'), `$1${version}`);
}

function release(version: string): void {
  const { version: old } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  assertReleasable(old, version);
  rewrite('CHANGELOG.md', (text) => cutChangelog(text, version, new Date().toISOString().slice(0, 10)));
  const flags = ['--no-git-tag-version', '--ignore-scripts'];
  execFileSync('npm', ['version', version, ...flags], { cwd: root });
  for (const file of globSync(NAMING, { cwd: root })) rewrite(file, (text) => renameImage(text, old, version));
  git('commit', '--all', '--message', `release: cut ${version}`);
  git('tag', '--annotate', `v${version}`, '--message', `Linkspan ${version}`);
}

try {
  release(process.argv[2] ?? '');
} catch (error) {
  console.error(`release: ${(error as Error).message}`);
  process.exitCode = 1;
}
