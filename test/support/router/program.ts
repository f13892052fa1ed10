import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

/** Makes a program that runs the stand-in as a process of its own. @returns its path, for `LINKSPAN_MONGOS` */
export function routerProgram(folder: string): string {
  const path = join(folder, 'mongos');
  writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`, { mode: 0o755 });
  return path;
}
