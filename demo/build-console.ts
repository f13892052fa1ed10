import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { narrate } from './narrate.ts';

const BUILT = fileURLToPath(new URL('../dist/console', import.meta.url));
const CONFIGURATION = fileURLToPath(new URL('../src/console/vite.config.ts', import.meta.url));

/** Builds the console of a checkout if it is missing, as `npm run build` does. The demo goes on without it where the build fails. */
export async function buildConsole(): Promise<void> {
  const isCompiled = !import.meta.url.endsWith('.ts'); // Then it comes with the console.
  if (isCompiled || existsSync(BUILT)) return;
  try {
    const { build } = await import('vite');
    await build({ configFile: CONFIGURATION, logLevel: 'silent' });
    narrate('built the console (npm run build)');
  } catch (error) {
    narrate(`no console, because its build failed: ${error instanceof Error ? error.message : error}`);
  }
}
