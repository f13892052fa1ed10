import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { temporaryFolder } from '../support/temporary-folder.ts';

const CONFIGURATION = fileURLToPath(new URL('../../src/console/vite.config.ts', import.meta.url));

/** Builds the console into a folder of its own, so that test files don't disturb each other. */
export async function buildConsole(): Promise<{ readonly path: string } & Disposable> {
  const folder = temporaryFolder('console');
  await build({ configFile: CONFIGURATION, logLevel: 'warn', build: { outDir: folder.path } });
  return folder;
}

/** The files of a build, with their paths. */
export function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
