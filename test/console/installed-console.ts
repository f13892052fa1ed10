import { existsSync, globSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'vite';

const root = resolve(import.meta.dirname, '../..');

/** Makes the build that `linkspan serve` and `linkspan sync` have, as `npm run build` does, unless it is newer than every source. */
export async function installConsole(): Promise<void> {
  const built = join(root, 'dist/console/index.html');
  const sources = globSync('src/console/**/*.*', { cwd: root }).map((file) => statSync(join(root, file)).mtimeMs);
  if (existsSync(built) && statSync(built).mtimeMs > Math.max(...sources)) return;
  await build({ configFile: join(root, 'src/console/vite.config.ts'), logLevel: 'warn' });
}
