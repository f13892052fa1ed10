import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { type Architecture, ownArchitecture, readArchitecture } from './architectures.ts';
import { makeDeb } from './deb.ts';
import { makeProgramTree } from './program-tree.ts';
import { packTarball } from './tarball.ts';

/**
 * `npm run package [-- amd64 arm64]`: makes the packages of this version in `dist/packages`, for these processors or for the one of this machine: a tarball that
 * needs neither npm nor a network, a Debian package, and `SHA256SUMS`. All files have the time of the last commit, or of `SOURCE_DATE_EPOCH`, so that the same
 * commit gives the same bytes.
 */
const root = resolve(import.meta.dirname, '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const committedAt = () => execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' });
const builtAt = Number(process.env.SOURCE_DATE_EPOCH ?? committedAt());
const named = process.argv.slice(2).map(readArchitecture);
const output = join(root, 'dist/packages');
rmSync(output, { recursive: true, force: true });
mkdirSync(output, { recursive: true });

/** @returns the paths of tarball and Debian package */
async function packFor(architecture: Architecture): Promise<readonly string[]> {
  const work = mkdtempSync(join(tmpdir(), 'linkspan-packages-'));
  try {
    const tree = join(work, `linkspan-${version}`);
    const options = { architecture, builtAt };
    await makeProgramTree(root, tree, options);
    const tarball = join(output, `linkspan-${version}-linux-${architecture}.tar.gz`);
    await packTarball(tree, builtAt, tarball);
    return [tarball, await makeDeb(tree, join(work, 'deb'), options, output)];
  } finally {
    rmSync(work, { recursive: true });
  }
}

const files: string[] = [];
for (const architecture of named.length > 0 ? named : [ownArchitecture()]) files.push(...(await packFor(architecture)));
const sumOf = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');
const sums = files.map((file) => `${sumOf(file)}  ${basename(file)}\n`).join('');
writeFileSync(join(output, 'SHA256SUMS'), sums);
process.stdout.write(sums);
