import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

/**
 * `npm run attack -- [--seconds S]`: runs every attack that has a test, on fresh servers, with the matrix of operations, roles and tenants. Then
 * gives damaged input to each reader of strangers' input, S seconds each (60 by default). Exit code 0: Linkspan withstood all of it. `.ci/run`
 * runs the same tests as part of `npm test`, and the damaged input for a shorter time.
 */
const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' } } });

/** Filters that choose test files by a part of their paths. */
const TESTS = [
  'test/agent/configuration',
  'test/agent/destination-address',
  'test/agent/forged-answers',
  'test/agent/ops-manager-api',
  'test/agent/source-address',
  'test/atlas-api/audit',
  'test/atlas-api/authentication',
  'test/atlas-api/bodies-of-operations',
  'test/atlas-api/failed-attempts',
  'test/atlas-api/limits-and-versions',
  'test/atlas-api/migration-verification',
  'test/atlas-api/most-records',
  'test/atlas-api/redirected-destination',
  'test/atlas-api/roles',
  'test/atlas-api/security-events',
  'test/atlas-api/sessions',
  'test/atlas-api/slow-stream',
  'test/cli/audit-macs',
  'test/cli/canaries',
  'test/cli/compression-bombs',
  'test/cli/agent-canaries',
  'test/cli/dialler-process',
  'test/cli/hostile-destinations',
  'test/cli/keys',
  'test/cli/plain-http',
  'test/cli/restored',
  'test/control/',
  'test/cli/support-bundle',
  'test/destination/',
  'test/engine/bson/compressed-message',
  'test/gateway/',
  'test/hooks/',
  'test/http/',
  'test/link/',
  'test/platform/',
  'test/sync/api',
  'test/sync/drop-side',
];

const run = (file: string, ...parameters: string[]) =>
  spawnSync(process.execPath, [resolve(import.meta.dirname, '..', file), ...parameters], { stdio: 'inherit' }).status;
const codes = [run('run.ts', ...TESTS), run('fuzz/main.ts', '--seconds', values.seconds)];
process.exitCode = Math.max(...codes.map((code) => code ?? 1));
