import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { makeDeb } from './deb.ts';
import { makeProgramTree } from './program-tree.ts';
import { packTarball } from './tarball.ts';

/**
 * `npm run package`: makes the packages of this version in `dist/packages`, for the processor of this machine: a tarball that needs neither npm nor a network, a Debian
 * package, and `SHA256SUMS`. All files have the time of the last commit, or of `SOURCE_DATE_EPOCH`, so that the same commit gives the same bytes.
 */
const root = resolve(import.meta.dirname, '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const committedAt = () => execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' });
const builtAt = Number(process.env.SOURCE_DATE_EPOCH ?? committedAt());
const output = join(root, 'dist/packages');
rmSync(output, { recursive: true, force: true });
mkdirSync(output, { recursive: true });
const work = mkdtempSync(join(tmpdir(), 'linkspan-packages-'));
try {
  const tree = join(work, `linkspan-${version}`);
  await makeProgramTree(root, tree);
  const tarball = join(output, `linkspan-${version}-linux-${process.arch}.tar.gz`);
  await packTarball(tree, builtAt, tarball);
  const files = [tarball, await makeDeb(tree, join(work, 'deb'), builtAt, output)];
  const sums = files.map(
    (file) => `${createHash('sha256').update(readFileSync(file)).digest('hex')}  ${basename(file)}\n`,
  );
  writeFileSync(join(output, 'SHA256SUMS'), sums.join(''));
  process.stdout.write(sums.join(''));
} finally {
  rmSync(work, { recursive: true });
}
