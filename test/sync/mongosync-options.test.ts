import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { syncCommand } from '../../src/cli/migrate/sync-command.ts';
import { readSyncConfiguration } from '../../src/sync/configuration.ts';
import { PROCESS_OPTIONS, START_OPTIONS } from '../../src/sync/mongosync-options.ts';
import { parseStartRequest } from '../../src/sync/start-request.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** The options of mongosync 1.22's command line and YAML file, each with a value. */
const OF_PROCESS = {
  cluster0: 'mongodb://a',
  cluster1: 'mongodb://b',
  port: 27_183,
  config: 'file',
  id: 'shard0',
  loadLevel: 2,
  logPath: '/var/log/linkspan',
  verbosity: 'DEBUG',
  acceptDisclaimer: true,
  disableVerification: true,
  disableTelemetry: true,
  disableMetricsLogging: true,
  metricsLoggingFilepath: '/metrics',
  createIndexesBatchSize: 4,
  enableCappedCollectionHandling: true,
  hotDocIDs: '{}',
  longRetryTime: '1h',
};

const FILTER = [{ databaseRegex: { pattern: '^shop$', options: 'i' }, collections: ['orders'] }];

/** The fields of mongosync's `/start`, each with a value. */
const OF_START = {
  source: 'cluster0',
  destination: 'cluster1',
  buildIndexes: 'afterDataCopy',
  detectRandomId: true,
  copyInNaturalOrder: [],
  includeNamespaces: FILTER,
  excludeNamespaces: FILTER,
  preExistingDestinationData: true,
  reversible: true,
  sharding: { shardingEntries: [] },
  skipDiskSpaceCheck: true,
  'verification.enabled': true,
  enableUserWriteBlocking: 'sourceAndDestination',
  namespaceRemap: [{ from: { database: 'a' }, to: { database: 'b' } }],
  destinationDataHandling: 'x',
};

test('every option of mongosync is in a file taken, or refused with its reason', () => {
  assert.deepEqual(Object.keys(PROCESS_OPTIONS).sort(), Object.keys(OF_PROCESS).sort());
  using folder = temporaryFolder('mongosync');
  for (const [name, value] of Object.entries(OF_PROCESS)) {
    if (name === 'config') continue;
    const file = join(folder.path, `${name}.yaml`);
    writeFileSync(file, `${name}: ${JSON.stringify(value)}\n`, { mode: 0o600 });
    const { taken, note } = PROCESS_OPTIONS[name as keyof typeof PROCESS_OPTIONS];
    if (taken === 'refused') {
      assert.throws(() => readSyncConfiguration(file), { code: 'CONFIGURATION_INVALID', message: new RegExp(note) });
    } else readSyncConfiguration(file);
  }
});

test('every option of mongosync is a flag under its name', () => {
  const flags = syncCommand().options.map(({ long }) => long);
  for (const name of Object.keys(OF_PROCESS)) assert.ok(flags.includes(`--${name}`), name);
});

test('every field of /start is taken, or refused with its reason', () => {
  assert.deepEqual(Object.keys(START_OPTIONS).sort(), Object.keys(OF_START).sort());
  const { source, destination } = OF_START;
  for (const [name, value] of Object.entries(OF_START)) {
    const field = name === 'verification.enabled' ? { verification: { enabled: value } } : { [name]: value };
    const parse = () => parseStartRequest({ source, destination, ...field });
    const { taken, note } = START_OPTIONS[name as keyof typeof START_OPTIONS];
    if (taken === 'refused') assert.throws(parse, { code: 'UNSUPPORTED_FIELD', message: new RegExp(note) }, name);
    else assert.deepEqual([parse().source, parse().destination], [source, destination], name);
  }
  for (const [name, values] of Object.entries({
    buildIndexes: ['beforeDataCopy', 'excludeHashed', 'excludeHashedAfterCopy', 'never'],
    enableUserWriteBlocking: ['none', 'destinationOnly', false],
  })) {
    for (const value of values)
      assert.throws(() => parseStartRequest({ source, destination, [name]: value }), { code: 'UNSUPPORTED_FIELD' });
  }
});

test('the manual has a row for each option', () => {
  const page = readFileSync('docs/migrate/from-mongosync.md', 'utf8');
  for (const [name, { taken, note }] of Object.entries({ ...PROCESS_OPTIONS, ...START_OPTIONS }))
    assert.ok(page.includes(`| \`${name}\` | ${taken} | ${note} |`), `| \`${name}\` | ${taken} | ${note} |`);
});
