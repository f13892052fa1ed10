import type { MongoClient } from 'mongodb';
import type { UserError } from '../../platform/index.ts';
import { listUserDatabases } from '../catalog/read-catalog.ts';
import { CheckpointStore } from '../records/checkpoint-store.ts';
import { Ownership } from '../records/ownership.ts';
import { assertNotRunning } from '../records/running-engine.ts';
import { DocumentFilters } from '../scope/document-filters.ts';
import { NamespaceMap } from '../scope/namespace-map.ts';
import type { MigrationOptions } from '../scope/options.ts';
import { checkAccounts, checkUsersStay } from './checks/accounts.ts';
import { checkClusterParameters } from './checks/cluster-parameters.ts';
import { checkEncryption } from './checks/connection.ts';
import { checkDisk } from './checks/disk.ts';
import { checkFiltered, checkQueries } from './checks/document-filters.ts';
import { checkEqualIds } from './checks/equal-ids.ts';
import { checkFilters } from './checks/filters.ts';
import { checkClocks, checkLoad } from './checks/host.ts';
import { checkIndexFilters } from './checks/index-filters.ts';
import { checkKept } from './checks/kept.ts';
import { checkLargeDocuments } from './checks/large-documents.ts';
import { leftByMigrations } from './checks/left-by-migrations.ts';
import { checkIndexes, checkNamespaces } from './checks/namespaces.ts';
import { checkOplog, checkUnstreamedWrites } from './checks/oplog.ts';
import { checkProfiler } from './checks/profiler.ts';
import { checkRandomIds } from './checks/random-ids.ts';
import { checkNames, checkRemapped } from './checks/remap.ts';
import { checkConfiguration, checkDefaultConcerns } from './checks/replica-set-configuration.ts';
import { checkReversible } from './checks/reversible.ts';
import { checkSearchIndexes } from './checks/search-indexes.ts';
import { checkOpenFiles, checkTableScans, checkVersionsTried } from './checks/server-settings.ts';
import { checkSharded } from './checks/sharded.ts';
import { checkTimeSeries } from './checks/time-series.ts';
import { checkBlocked, checkBlockOwner, checkBypassingUsers, checkWritersKeptAway } from './checks/write-block.ts';
import { type Found, found } from './finding.ts';
import type { Check, Look } from './look.ts';

/** Checks that can keep a migration from starting. They run again when one starts. */
export const GUARDS: readonly Check[] = [
  { what: 'whether another engine runs the migration', run: checkRunning },
  { what: 'users and roles', run: checkAccounts },
  { what: 'what is different with a sharded source', run: checkSharded },
  { what: 'collections', run: checkNamespaces },
  { what: 'time series', run: checkTimeSeries },
  { what: 'indexes', run: checkIndexes },
  {
    what: 'names on the destination',
    run: async ({ entries, options }) => named(checkNames(new NamespaceMap(options.namespaceRemap), await entries())),
  },
  {
    what: 'the queries of document filters',
    run: async ({ source, options }) => named(await checkQueries(source, new DocumentFilters(options.documentFilters))),
  },
  { what: 'what namespace filters match', run: checkFilters },
  { what: 'what document filters and remaps name', run: checkNamed },
  { what: 'what the destination has', run: checkDestination },
  { what: 'whether servers refuse queries without an index', optional: true, run: checkTableScans },
  { what: "the destination's disk", optional: true, run: checkDisk },
  { what: 'whether the migration can be reversed', run: checkReversible },
  { what: 'whether writers are kept away', run: checkWritersKeptAway },
  { what: 'users who bypass the write block', optional: true, run: checkBypassingUsers },
  { what: 'who has blocked the source', run: checkBlockOwner },
  // rule: report-blocked-source
  { what: 'blocks of writes', optional: true, run: checkBlocked },
];

/** Useful advice, none of it vital. */
export const ADVICE: readonly Check[] = [
  {
    what: 'the encryption of the connections',
    optional: true,
    run: ({ source, destination }) => [
      ...checkEncryption(source, 'source'),
      ...checkEncryption(destination, 'destination'),
    ],
  },
  { what: 'users that stay behind', optional: true, run: checkUsersStay },
  { what: 'documents near the limit', optional: true, run: checkLargeDocuments },
  { what: "the source's oplog", optional: true, run: checkOplog },
  { what: 'writes that no change stream shows', optional: true, run: checkUnstreamedWrites },
  { what: 'the versions of the servers', optional: true, run: checkVersionsTried },
  { what: "the destination's limit of open files", optional: true, run: checkOpenFiles },
  { what: 'the profilers', optional: true, run: checkProfiler },
  { what: 'index filters', optional: true, run: checkIndexFilters },
  { what: 'search indexes', optional: true, run: checkSearchIndexes },
  { what: 'cluster parameters and query settings', optional: true, run: checkClusterParameters },
  { what: 'the configuration of the replica sets', optional: true, run: checkConfiguration },
  { what: 'the default concerns', optional: true, run: checkDefaultConcerns },
  { what: 'the order of the documents', optional: true, run: checkRandomIds },
  { what: 'equal _ids on two shards', optional: true, run: checkEqualIds },
  { what: 'the load of this host', optional: true, run: checkLoad },
  { what: 'the clocks', optional: true, run: checkClocks },
];

/** Checks that run again when a cutover is requested, because users change. */
export const AT_CUTOVER: readonly Check[] = [...GUARDS, ...ADVICE].filter(
  ({ run }) => run === checkBypassingUsers || run === checkUsersStay,
);

/** Finds misspelt names. */
async function checkNamed({ entries, options, isNew }: Look): Promise<Found[]> {
  if (!(await isNew())) return [];
  return named([
    ...checkRemapped(new NamespaceMap(options.namespaceRemap), await entries()),
    ...checkFiltered(new DocumentFilters(options.documentFilters), await entries()),
  ]);
}

async function checkDestination({ destination, options, entries, isNew, signal }: Look): Promise<Found[]> {
  const mustBeEmpty = !options.keepDestination && !options.dropDestination;
  const [fresh, inUse, databases] = await Promise.all([
    isNew(),
    checkInUse(destination, options),
    mustBeEmpty ? listUserDatabases(destination) : [],
  ]);
  if (!fresh) return [];
  if (options.keepDestination) {
    return [...inUse, ...(await checkKept(destination, await entries(), new NamespaceMap(options.namespaceRemap)))];
  }
  if (options.dropDestination) return inUse;
  // The data may be that of the migration that uses the destination: no advice to drop it then.
  if (databases.length === 0 || inUse.length > 0) return inUse;
  const shown = databases.slice(0, 5).join(', ') + (databases.length > 5 ? ', …' : '');
  const left = await leftByMigrations(destination, signal);
  return [found('DESTINATION_NOT_EMPTY', [`the database${databases.length === 1 ? '' : 's'} ${shown}${left}`])];
}

/** Whether another process runs this migration. */
async function checkRunning({ destination, fence, options }: Look): Promise<Found[]> {
  const [record, { localTime }] = await Promise.all([
    new CheckpointStore(fence).peek(),
    destination.db('admin').command({ hello: 1 }),
  ]);
  if (record === undefined || options.takeOver) return [];
  assertNotRunning(record, (localTime as Date).getTime());
  return [];
}

/** Whether another migration owns the destination, which the destination's data doesn't show. */
async function checkInUse(destination: MongoClient, options: MigrationOptions): Promise<Found[]> {
  const { migrationId, keepDestination: keeps = false, dropDestination: mayDrop } = options;
  const reason = await new Ownership(destination).whyNot({ migrationId, keeps, mayDrop });
  return reason === undefined ? [] : [{ error: reason }];
}

/** Finds the namespace of each error: its first value. For a remap, that value is the reason. */
function named(errors: readonly UserError[]): Found[] {
  return errors.map((error) =>
    error.code === 'INVALID_REMAP' ? { error } : { error, namespace: error.parameters[0] },
  );
}
