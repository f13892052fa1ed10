/**
 * What `import` and `require` of the package load. Checks the version of Node.js first, in JavaScript that older versions can read: they would fail
 * with a syntax error in the library. The text copies NODE_TOO_OLD from the error catalogue; a test compares both.
 */
import { createRequire } from 'node:module';

const oldest = [24, 15];
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
  const message = `Node.js ${process.versions.node} is too old for Linkspan.`;
  const remedy = 'Run npm ci, which installs the right version on Linux, or install Node.js 24.15 or newer.';
  throw Object.assign(new Error(`${message} ${remedy}`), { code: 'NODE_TOO_OLD', remedy });
}

// Not by `await import`, because programs in CommonJS could then not require the package.
export const {
  cleanUpMigration,
  ERROR_CODES,
  isUserError,
  listMigrationLeftovers,
  Migration,
  newMigrationId,
  planMigration,
  Verification,
  version,
} = createRequire(import.meta.url)('./library-program.js');
