import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ARCHITECTURES, type Architecture } from './architectures.ts';
import { unpackNpmPackage } from './npm-package.ts';
import { writeSbom } from './sbom.ts';

const run = promisify(execFile);
/** Parts of the Node.js package that only compilers and people need. */
const UNUSED_OF_NODE = ['include', 'share', 'lib'];

/** Properties of a program tree. */
export interface TreeOptions {
  /** The processor that it is for; any machine can make it. */
  readonly architecture: Architecture;
  /** Time of its SBOM, in seconds since the epoch. */
  readonly builtAt: number;
}

/**
 * Makes a complete Linkspan in a folder: what the npm package contains, its dependencies as `package-lock.json` pins them, the Node.js that runs it, and an SBOM.
 * Needs npm's cache or a network.
 * @param checkout  with the built `dist/`
 * @param folder    must not exist
 */
export async function makeProgramTree(
  checkout: string,
  folder: string,
  { architecture, builtAt }: TreeOptions,
): Promise<void> {
  await unpackNpmPackage(checkout, folder);
  for (const file of ['package-lock.json', '.npmrc']) copyFileSync(join(checkout, file), join(folder, file));
  const flags = ['--omit=dev', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
  await run('npm', ['ci', ...flags, '--os=linux', `--cpu=${ARCHITECTURES[architecture]}`], { cwd: folder });
  for (const file of ['package-lock.json', '.npmrc']) rmSync(join(folder, file));
  const modules = join(folder, 'node_modules');
  for (const node of readdirSync(modules).filter((name) => name.startsWith('node-linux-')))
    for (const part of UNUSED_OF_NODE) rmSync(join(modules, node, part), { recursive: true, force: true });
  // The image copies this empty folder, because its build can't make one without running a program.
  mkdirSync(join(folder, 'deploy/image/data'));
  await writeSbom(checkout, folder, builtAt);
}
