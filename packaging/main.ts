import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { type Architecture, ownArchitecture, readArchitecture } from './architectures.ts';
import { buildVersion } from './build-version.ts';
import { makeDeb } from './deb.ts';
import { makeNpmPackage } from './npm-package.ts';
import { makeProgramTree } from './program-tree.ts';
import { provenanceOf, sha256Of } from './provenance.ts';
import { makeRpm } from './rpm.ts';
import { packTarball } from './tarball.ts';
import { describeMissing, missingTools } from './tools.ts';

/**
 * `npm run package [-- amd64 arm64]`: makes the packages of this commit's version in `dist/packages`: the npm package, and for these processors, or for
 * the one of this machine, a tarball that needs neither npm nor a network, a Debian package, an RPM package and an SBOM; then the provenance of all, and
 * `SHA256SUMS` and `VERSION`. A package whose tool is missing is left out. All files have the time of the last commit, or of `SOURCE_DATE_EPOCH`, so that the same commit gives the same bytes.
 */
const root = resolve(import.meta.dirname, '..');
const version = buildVersion(root);
const committedAt = () => execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' });
const builtAt = Number(process.env.SOURCE_DATE_EPOCH ?? committedAt());
const named = process.argv.slice(2).map(readArchitecture);
const output = join(root, 'dist/packages');
rmSync(output, { recursive: true, force: true });
mkdirSync(output, { recursive: true });

/** @returns the paths of tarball, SBOM, and the Debian and RPM packages for which there are tools */
async function packFor(architecture: Architecture): Promise<readonly string[]> {
  const work = mkdtempSync(join(tmpdir(), 'linkspan-packages-'));
  try {
    const tree = join(work, `linkspan-${version}`);
    const options = { architecture, builtAt };
    await makeProgramTree(root, tree, options);
    const tarball = join(output, `linkspan-${version}-linux-${architecture}.tar.gz`);
    await packTarball(tree, builtAt, tarball);
    const sbom = join(output, `linkspan-${version}-linux-${architecture}.spdx.json`);
    copyFileSync(join(tree, 'sbom.spdx.json'), sbom);
    const files = [tarball];
    if (has('dpkg-deb')) files.push(await makeDeb(tree, join(work, 'deb'), options, output));
    if (has('rpmbuild')) files.push(await makeRpm(tree, join(work, 'rpm'), options, output));
    return [...files, sbom];
  } finally {
    rmSync(work, { recursive: true });
  }
}

function has(tool: string): boolean {
  return !missing.some(({ name }) => name === tool);
}

const missing = missingTools();
const architectures = named.length > 0 ? named : [ownArchitecture()];
const files = [await makeNpmPackage(root, output)];
for (const architecture of architectures) files.push(...(await packFor(architecture)));
const provenance = join(output, `linkspan-${version}.provenance.json`);
writeFileSync(provenance, `${JSON.stringify(provenanceOf(root, files, { version, architectures }), null, 1)}\n`);
const sums = [...files, provenance].map((file) => `${sha256Of(file)}  ${basename(file)}\n`).join('');
writeFileSync(join(output, 'SHA256SUMS'), sums);
writeFileSync(join(output, 'VERSION'), `${version}\n`);
process.stdout.write(sums);
process.stderr.write(missing.map(describeMissing).join(''));
