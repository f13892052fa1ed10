import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../support/mongod-binary.ts';

const run = promisify(execFile);

const PACKAGE = 'mongosh@2.12.0';
const FETCH_DEADLINE_MS = 120_000;

/** The folder of a program `mongosh`, or the reason why it is missing. */
export type Mongosh = { readonly folder: string } | { readonly missing: string };

/** Finds mongosh on the path. Otherwise installs it from npm once, beside the servers that tests fetch. */
export async function findMongosh(): Promise<Mongosh> {
  const isOnPath = await run('mongosh', ['--version']).then(
    () => true,
    () => false,
  );
  if (isOnPath) return { folder: '' };
  const folder = join(cacheFolder(), PACKAGE.replace('@', '-'));
  const bin = join(folder, 'node_modules/.bin');
  if (existsSync(bin)) return { folder: bin };
  await mkdir(cacheFolder(), { recursive: true });
  const draft = await mkdtemp(`${folder}-`);
  try {
    // Its install scripts build optional accelerators.
    const args = ['install', '--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--prefix', draft, PACKAGE];
    await run('npm', args, { cwd: draft, timeout: FETCH_DEADLINE_MS });
    if (!existsSync(folder)) await rename(draft, folder);
    return { folder: bin };
  } catch (error) {
    return { missing: `${PACKAGE} can't be installed: ${String(error).split('\n')[0]}` };
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}
