import type { LiveMigration } from '../../atlas-api/index.ts';
import { failpoint } from '../../platform/index.ts';
import { changesOf, type EntryDiff, type FleetDiff } from './compare-fleet.ts';
import type { Entry, Fleet } from './fleet-file.ts';
import type { FleetServer } from './fleet-server.ts';
import { patiently } from './patiently.ts';

/** Registers the destinations that the server lacks, and changes labels, notes and windows as the file has them. */
export async function applyChanges(
  server: FleetServer,
  fleet: Fleet,
  diff: FleetDiff,
  stop: AbortSignal,
): Promise<void> {
  for (const { name, action } of diff.destinations) {
    const { connectionString = '' } = fleet.destinations[name] ?? {};
    if (action === 'CREATE') await patiently(() => server.register(name, connectionString), stop);
  }
  for (const { entry, migration } of diff.entries)
    if (migration !== undefined) await change(server, fleet, entry, migration, stop);
}

/**
 * Creates the migration of an entry.
 * @throws UserError API_REFUSED, and as {@link patiently}
 */
export async function createEntry(
  server: FleetServer,
  fleet: Fleet,
  { entry, attempt }: EntryDiff,
  stop: AbortSignal,
): Promise<void> {
  const created = await patiently(() => server.create(fleet, entry, attempt), stop);
  await failpoint('cli.fleet.created');
  // A migration is created without windows, and one that an earlier request created may have other labels since.
  await change(server, fleet, entry, created, stop);
}

async function change(server: FleetServer, fleet: Fleet, entry: Entry, migration: LiveMigration, stop: AbortSignal) {
  const fields = new Set(changesOf(fleet, entry, migration).map(({ field }) => field));
  if (fields.has('labels') || fields.has('note'))
    await patiently(() => server.setLabels(migration, fleet, entry), stop);
  if (fields.has('loadWindows')) await patiently(() => server.setLoadWindows(migration, entry.loadWindows), stop);
}
