import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildVersion, setVersion } from './build-version.ts';

const run = promisify(execFile);

/**
 * Unpacks what the npm package of a checkout contains, with the version of the build.
 * @param checkout  with the built `dist/`
 * @param folder    is made
 */
export async function unpackNpmPackage(checkout: string, folder: string): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'linkspan-packaging-'));
  try {
    const file = await pack(checkout, work);
    mkdirSync(folder, { recursive: true });
    await run('tar', ['-xzf', file, '-C', folder, '--strip-components=1']);
    setVersion(folder, buildVersion(checkout));
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** Makes the npm package of a checkout, with the version of the build. @returns its path in `output` */
export async function makeNpmPackage(checkout: string, output: string): Promise<string> {
  const work = mkdtempSync(join(tmpdir(), 'linkspan-packaging-'));
  try {
    const folder = join(work, 'package');
    await unpackNpmPackage(checkout, folder);
    return await pack(folder, output);
  } finally {
    rmSync(work, { recursive: true });
  }
}

async function pack(folder: string, output: string): Promise<string> {
  const flags = ['--ignore-scripts', '--json', '--pack-destination', output];
  const [{ filename }] = JSON.parse((await run('npm', ['pack', ...flags], { cwd: folder })).stdout);
  return join(output, filename);
}
