import type { Cluster, LiveMigration, SourceProject } from '../../atlas-api/index.ts';
import { type LoadWindow, windowText } from '../../contract/index.ts';
import { UserError, withoutCredentials } from '../../platform/index.ts';
import { hasEnded } from '../administration/shown-migration.ts';
import type { Entry, Fleet } from './fleet-file.ts';
import { entryNameOf, labelsOfEntry } from './fleet-labels.ts';

/** A field of a migration that an apply changes, with both values for people. */
export interface Change {
  readonly field: 'labels' | 'note' | 'loadWindows';
  readonly from: string;
  readonly to: string;
}

/** An entry of the file beside its migration, with the action of an apply. */
export interface EntryDiff {
  readonly entry: Entry;
  readonly action: 'CREATE' | 'CHANGE' | 'SAME';
  readonly changes: readonly Change[];
  /** The migration that the entry has and keeps. */
  readonly migration?: LiveMigration;
  /** The id of the failed migration in whose place another one is created. */
  readonly replaces?: string;
  /** The number of the migration that is created, from 1. */
  readonly attempt: number;
  /** A sentence for people that says which part of a new migration's source no agent reports. The server refuses such a migration. */
  readonly unreported?: string;
}

/** A destination of the file beside the registered one, with the action of an apply. */
export interface DestinationDiff {
  readonly name: string;
  readonly action: 'CREATE' | 'SAME';
  readonly hosts: string;
}

export interface FleetDiff {
  readonly destinations: readonly DestinationDiff[];
  /** By wave, and in a wave in the order of the file. */
  readonly entries: readonly EntryDiff[];
  /** The newest migration of each entry that the file lacks. */
  readonly unmanaged: readonly LiveMigration[];
}

/** The registered destinations, the source projects and the fleet's migrations on the server. */
interface Found {
  readonly destinations: readonly Cluster[];
  /** Absent when entries are not to be compared with what agents report. */
  readonly projects?: readonly SourceProject[];
  /** The newest first. */
  readonly migrations: readonly LiveMigration[];
}

/**
 * Compares a fleet file with the server.
 * @param retryFailed  whether entries whose newest migration has failed are created again
 * @throws UserError FLEET_CHANGE_REFUSED, FLEET_DESTINATION_MOVED, FLEET_DESTINATION_UNKNOWN
 */
export function compareFleet(
  fleet: Fleet,
  { destinations, projects, migrations }: Found,
  retryFailed: boolean,
): FleetDiff {
  const registered = new Map(destinations.map((one) => [one.name, one]));
  const unknown = fleet.migrations.find(
    ({ destination }) => !registered.has(destination) && !Object.hasOwn(fleet.destinations, destination),
  );
  if (unknown !== undefined) throw new UserError('FLEET_DESTINATION_UNKNOWN', [unknown.name, unknown.destination]);
  const byEntry = Map.groupBy(migrations, entryNameOf);
  const inOrder = fleet.migrations.toSorted((one, other) => one.wave - other.wave);
  const names = new Set(inOrder.map(({ name }) => name));
  return {
    destinations: Object.entries(fleet.destinations).map(([name, { connectionString }]) =>
      compareDestination(name, connectionString, registered.get(name)),
    ),
    entries: inOrder.map((entry) => {
      const diff = compareEntry(fleet, entry, byEntry.get(entry.name) ?? [], retryFailed);
      return projects && diff.action === 'CREATE' ? { ...diff, unreported: unreportedOf(entry, projects) } : diff;
    }),
    unmanaged: [...byEntry].flatMap(([name, [newest]]) => (names.has(name) || newest === undefined ? [] : [newest])),
  };
}

function compareDestination(name: string, connectionString: string, found: Cluster | undefined): DestinationDiff {
  const address = withoutCredentials(connectionString);
  const hosts = hostsOf(address);
  if (found === undefined) return { name, action: 'CREATE', hosts };
  const before = found.connectionStrings.standard;
  if (before !== address) throw new UserError('FLEET_DESTINATION_MOVED', [name, hostsOf(before), hosts, name]);
  return { name, action: 'SAME', hosts };
}

function hostsOf(address: string): string {
  return address.replace(/^[a-z+]+:\/\//, '').replace(/[/?].*$/s, '');
}

function compareEntry(
  fleet: Fleet,
  entry: Entry,
  [newest, ...earlier]: readonly LiveMigration[],
  retryFailed: boolean,
): EntryDiff {
  if (newest === undefined) return { entry, action: 'CREATE', changes: [], attempt: 1 };
  const attempt = earlier.length + 2;
  const hasFailed = hasEnded(newest) && newest.status !== 'COMPLETE';
  if (hasFailed && retryFailed) return { entry, action: 'CREATE', changes: [], replaces: newest._id, attempt };
  const [fixed] = fixedChanges(entry, newest);
  if (fixed !== undefined) throw new UserError('FLEET_CHANGE_REFUSED', [fixed[0], entry.name, fixed[1], fixed[2]]);
  const changes = changesOf(fleet, entry, newest);
  return { entry, action: changes.length > 0 ? 'CHANGE' : 'SAME', changes, migration: newest, attempt };
}

function unreportedOf({ source, agent }: Entry, projects: readonly SourceProject[]): string | undefined {
  const project = projects.find(({ projectId }) => projectId === source.project);
  if (project === undefined) return `no agent reports project ${source.project}`;
  if (!project.migrationHosts.includes(agent)) return `agent ${agent} does not report project ${source.project}`;
  const isSeen = project.deployments.some(({ name }) => name === source.cluster);
  return isSeen ? undefined : `no agent reports cluster ${source.cluster} in project ${source.project}`;
}

/** The differences in what a migration keeps for its whole life. */
function fixedChanges(
  { source, destination, agent, reversible }: Entry,
  { linkspan, migrationHosts }: LiveMigration,
): (readonly [field: string, from: string, to: string])[] {
  const fields = [
    ['source', `${linkspan.source.groupId}/${linkspan.source.clusterName}`, `${source.project}/${source.cluster}`],
    ['destination', linkspan.destination.clusterName, destination],
    // Another host of the same link may have taken the migration over.
    ...(linkspan.takenOver === undefined ? [['agent', migrationHosts[0] ?? '', agent] as const] : []),
    ['reversible', String(linkspan.reversals !== undefined), String(reversible)],
  ] as const;
  return fields.filter(([, from, to]) => from !== to);
}

/** Returns the differences between an entry and its migration that an apply removes. */
export function changesOf(fleet: Fleet, entry: Entry, migration: LiveMigration): Change[] {
  const { labels, note, loadWindows } = migration.linkspan;
  const fields: readonly Change[] = [
    { field: 'labels', from: labelText(labels), to: labelText(labelsOfEntry(fleet.fleet, entry)) },
    { field: 'note', from: note ?? '', to: entry.note ?? '' },
    // The windows of a migration that has ended are of no effect.
    ...(hasEnded(migration)
      ? []
      : [{ field: 'loadWindows', from: windowTexts(loadWindows), to: windowTexts(entry.loadWindows) } as const]),
  ];
  return fields
    .filter(({ from, to }) => from !== to)
    .map(({ field, from, to }) => ({ field, from: from || 'none', to: to || 'none' }));
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const texts = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return texts.sort().join(', ');
}

function windowTexts(windows: readonly LoadWindow[]): string {
  return windows.map(windowText).join(', ');
}
