import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';
import program from '../../rolldown.config.ts';
import { buildConsole } from '../console/built-console.ts';
import { BUILT, writeDocuments } from '../docs/documents.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Copies the checkout without its tests, and builds there what packages contain: other tests run from the checkout's own `dist`. */
export async function builtCopy(folder: string): Promise<void> {
  const left = ['.git', 'node_modules', 'dist', 'test'].map((name) => join(ROOT, name));
  cpSync(ROOT, folder, { recursive: true, filter: (path) => !left.includes(path) });
  await build({ ...program, output: { ...program.output, dir: join(folder, 'dist/program') } });
  writeDocuments(BUILT, folder);
  using console = await buildConsole();
  cpSync(console.path, join(folder, 'dist/console'), { recursive: true });
}
