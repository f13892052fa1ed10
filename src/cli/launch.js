/**
 * Checks the version of Node.js, then starts Linkspan. This file is JavaScript because older versions cannot load TypeScript, or stumble
 * over newer syntax, and would fail with a stack trace. `bin/linkspan` uses the system's Node.js if the pinned one is missing, so an old version can get here.
 * The text copies NODE_TOO_OLD from the error catalogue, which this file cannot import; a test compares both.
 */
import { fileURLToPath } from 'node:url';

const oldest = [24, 15];
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
  process.stderr.write(
    `linkspan: Node.js ${process.versions.node} is too old for Linkspan. Run npm ci, which installs the right version on Linux, or install Node.js 24.15 or newer. [NODE_TOO_OLD]\n`,
  );
  process.exitCode = 2;
} else {
  const { enableCompileCache } = await import('node:module');
  // The cache is beside the code: a user who can write there could change the code as well. Without write permission there is no cache.
  enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/linkspan', import.meta.url)));
  const { main } = await import('./main.ts');
  process.exitCode = await main(process.argv.slice(2));
}
