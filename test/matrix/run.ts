import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DIALECT_NAMES } from '../support/dialect/dialects.ts';
import { MongodUnavailable } from '../support/mongod-binary.ts';
import { type MongodVersion, mongodOfVersion } from '../support/mongod-versions.ts';

/**
 * `npm run test:matrix -- [--only 6.0.5:6.0.5] [FILTER…]`: runs the engine's tests (or those that the filters choose) once for each listed
 * pair of server versions. `--mongod PATH` instead runs them and those of `sync`, agent, `verify` and whole migrations once, with that mongod
 * on both sides, and `--mongod A --mongod B` with A as the source. `--level 7.0` sets the feature compatibility version of both, and `--mongos
 * PATH` adds the tests of sharded clusters. `--dialect NAME` runs tests of listings, streams, reads and indexes between two 6.0.5 that pretend
 * to be of that version (`test/support/dialect/`), and given twice, the first is the source's. Exit code 0: all tests passed. Exit code 1: some failed. Exit code 2: a
 * server is missing, or there is no such dialect.
 */
interface Pair {
  readonly source: Server;
  readonly destination: Server;
  /** Filters of the tests that run with this pair; the engine's tests by default. */
  readonly tests?: readonly string[];
  readonly note?: string;
}

interface Server {
  readonly version: string;
  /** Returns the path of its mongod. @throws MongodUnavailable */
  readonly mongod: () => Promise<string>;
  /** The version that it pretends to be. */
  readonly dialect?: string;
}

const fetched = (version: MongodVersion): Server => ({ version, mongod: () => mongodOfVersion(version) });

const PAIRS: readonly Pair[] = [
  { source: fetched('5.0.4'), destination: fetched('6.0.5'), tests: ['test/engine/', 'test/matrix/source-5.test.ts'] },
  {
    source: fetched('6.0.5'),
    destination: fetched('6.0.5'),
    tests: ['test/engine/', 'test/matrix/generated-clients.test.ts', 'test/matrix/paused-often.test.ts'],
  },
  { source: fetched('6.0.27'), destination: fetched('6.0.27') },
  {
    source: fetched('6.0.5'),
    destination: fetched('6.0.27'),
    tests: [
      'test/engine/run/live-migration.test.ts',
      'test/engine/collections/catalog-changes.test.ts',
      'test/engine/catalog/special-collections.test.ts',
      'test/engine/bson/exactness.test.ts',
    ],
    note: 'a selection',
  },
];

/** Tests of how the engine reads catalogs, documents and streams, and of its ways in. */
const TESTS_IN_DIALECT = [
  ...['accounts', 'bson', 'capture', 'catalog', 'collections', 'compare', 'compare-clusters', 'copy'],
  ...[
    'scope',
    'verify',
    'preflight/privileges',
    'run/live-migration',
    'run/restarts',
    'run/reverse',
    'cutover/cutover',
    'cutover/once',
  ],
].map((name) => `test/engine/${name}`);
const WAYS_IN = [
  'test/sync/migration',
  'test/agent/agent.test.ts',
  'test/cli/verify.test.ts',
  'test/cli/digest.test.ts',
  'test/end-to-end/',
];

const { values, positionals } = parseArgs({
  options: {
    only: { type: 'string' },
    mongod: { type: 'string', multiple: true },
    level: { type: 'string' },
    mongos: { type: 'string' },
    dialect: { type: 'string', multiple: true },
  },
  allowPositionals: true,
});
const isWanted = ({ source, destination }: Pair) =>
  values.only === undefined || values.only === `${source.version}:${destination.version}`;
const results: string[] = [];
let worst = 0;
for (const pair of chosenPairs()) {
  const name = `${nameOf(pair.source)} → ${nameOf(pair.destination)}`;
  console.log(`\n== ${name}`);
  const code = await testPair(pair);
  worst = Math.max(worst, code);
  const verdict = ['passed', 'FAILED', 'NOT TESTED: a server is missing'][code] ?? `ended with ${code}`;
  results.push(`${name}: ${verdict}${pair.note === undefined ? '' : ` (${pair.note})`}`);
}
console.log(`\n${results.join('\n') || 'no such pair: nothing was tested'}`);
process.exitCode = results.length === 0 ? 2 : worst;

function chosenPairs(): readonly Pair[] {
  if (values.dialect) return [pairInDialect(values.dialect)];
  return values.mongod ? [givenPair(values.mongod)] : PAIRS.filter(isWanted);
}

function nameOf({ version, dialect }: Server): string {
  return dialect === undefined ? version : `${version} in the dialect of ${dialect}`;
}

/** @returns the runner's exit code */
async function testPair({ source, destination, tests }: Pair): Promise<number> {
  try {
    const filters = positionals.length > 0 ? positionals : (tests ?? ['test/engine/']);
    const env = {
      ...process.env,
      LINKSPAN_SOURCE_VERSION: values.level ?? source.version,
      LINKSPAN_SOURCE_MONGOD: await source.mongod(),
      LINKSPAN_DESTINATION_MONGOD: await destination.mongod(),
      ...(values.level === undefined ? {} : { LINKSPAN_TEST_LEVEL: values.level }),
      ...(values.mongos === undefined ? {} : { LINKSPAN_MONGOS: values.mongos }),
      ...(source.dialect === undefined ? {} : { LINKSPAN_SOURCE_DIALECT: source.dialect }),
      ...(destination.dialect === undefined ? {} : { LINKSPAN_DESTINATION_DIALECT: destination.dialect }),
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

/** @param paths  one or two */
function givenPair([first = '', second = first]: readonly string[]): Pair {
  const given = (path: string): Server => ({ version: versionOf(path), mongod: async () => path });
  const note = values.level === undefined ? {} : { note: `feature compatibility version ${values.level}` };
  const tests = ['test/engine/', ...WAYS_IN, ...(values.mongos === undefined ? [] : ['test/sharded/'])];
  return { source: given(first), destination: given(second), tests, ...note };
}

/** Ends the process when there is no such dialect. @param names  one or two */
function pairInDialect([first = '', second = first]: readonly string[]): Pair {
  const unknown = [first, second].find((name) => !DIALECT_NAMES.includes(name));
  if (unknown !== undefined) {
    console.error(`there is no dialect "${unknown}": only ${DIALECT_NAMES.join(', ')}`);
    process.exit(2);
  }
  const speaking = (dialect: string): Server => ({ ...fetched('6.0.5'), dialect });
  const tests = [...TESTS_IN_DIALECT, ...WAYS_IN];
  return { source: speaking(first), destination: speaking(second), tests, note: 'no real server of that version' };
}

/** Ends the process when it can't be run. */
function versionOf(mongod: string): string {
  const { stdout, error } = spawnSync(mongod, ['--version'], { encoding: 'utf8' });
  const [, version] = /^db version v(\S+)/m.exec(stdout ?? '') ?? [];
  if (version !== undefined) return version;
  console.error(`"${mongod}" is no mongod that runs here${error === undefined ? '' : `: ${error.message}`}`);
  process.exit(2);
}
