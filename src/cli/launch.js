/**
 * The only JavaScript file, because an old Node.js has to understand it: Node.js before 22.18 cannot load TypeScript and would end with a
 * stack trace of its loader. The launcher falls back to the system's Node.js where the pinned one is missing, so the check is needed.
 * The text is that of NODE_TOO_OLD in the error catalogue, which cannot be imported from here; a test compares both.
 */
import { fileURLToPath } from 'node:url';

const oldest = [22, 18];
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
  process.stderr.write(
    `linkspan: Node.js ${process.versions.node} is too old for Linkspan. Run npm ci, which brings the right one on Linux, or install Node.js 22.18 or newer. [NODE_TOO_OLD]\n`,
  );
  process.exitCode = 2;
} else {
  const { enableCompileCache } = await import('node:module');
  // Beside the code: whoever may write there may change the code as well. Where this user may not, nothing is kept.
  enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/linkspan', import.meta.url)));
  const { main } = await import('./main.ts');
  process.exitCode = await main(process.argv.slice(2));
}
