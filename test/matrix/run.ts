import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MongodUnavailable } from '../support/mongod-binary.ts';
import { type MongodVersion, mongodOfVersion } from '../support/mongod-versions.ts';

/**
 * `npm run test:matrix -- [--only 6.0.5:6.0.5] [FILTER…]`: runs the engine's tests (or those that the filters choose) once for each listed
 * pair of server versions. Exit code 0: all tests passed. Exit code 1: some failed. Exit code 2: a server is missing.
 */
interface Pair {
  readonly source: MongodVersion;
  readonly destination: MongodVersion;
  /** Filters of the tests that run with this pair; the engine's tests by default. */
  readonly tests?: readonly string[];
  readonly note?: string;
}

const PAIRS: readonly Pair[] = [
  { source: '5.0.4', destination: '6.0.5', tests: ['test/engine/', 'test/matrix/source-5.test.ts'] },
  { source: '6.0.5', destination: '6.0.5' },
  { source: '6.0.27', destination: '6.0.27' },
  {
    source: '6.0.5',
    destination: '6.0.27',
    tests: [
      'test/engine/run/live-migration.test.ts',
      'test/engine/collections/catalog-changes.test.ts',
      'test/engine/catalog/special-collections.test.ts',
      'test/engine/bson/exactness.test.ts',
    ],
    note: 'a selection',
  },
];

const { values, positionals } = parseArgs({ options: { only: { type: 'string' } }, allowPositionals: true });
const results: string[] = [];
let worst = 0;
for (const pair of PAIRS.filter(({ source, destination }) =>
  [undefined, `${source}:${destination}`].includes(values.only),
)) {
  const name = `${pair.source} → ${pair.destination}`;
  console.log(`\n== ${name}`);
  const code = await testPair(pair);
  worst = Math.max(worst, code);
  const verdict = ['passed', 'FAILED', 'NOT TESTED: a server is missing'][code] ?? `ended with ${code}`;
  results.push(`${name}: ${verdict}${pair.note === undefined ? '' : ` (${pair.note})`}`);
}
console.log(`\n${results.join('\n') || 'no such pair: nothing was tested'}`);
process.exitCode = results.length === 0 ? 2 : worst;

/** @returns the runner's exit code */
async function testPair({ source, destination, tests }: Pair): Promise<number> {
  try {
    const filters = positionals.length > 0 ? positionals : (tests ?? ['test/engine/']);
    const env = {
      ...process.env,
      LINKSPAN_SOURCE_VERSION: source,
      LINKSPAN_SOURCE_MONGOD: await mongodOfVersion(source),
      LINKSPAN_DESTINATION_MONGOD: await mongodOfVersion(destination),
    };
    const runner = fileURLToPath(new URL('../run.ts', import.meta.url));
    const [code] = await once(spawn(process.execPath, [runner, ...filters], { stdio: 'inherit', env }), 'exit');
    return code ?? 1;
  } catch (error) {
    if (!(error instanceof MongodUnavailable)) throw error;
    console.error(error.message);
    return 2;
  }
}
