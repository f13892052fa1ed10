import { cleanUp, listLeftovers } from '../engine/index.ts';
import type { ClusterAddress } from './options.ts';
import type { MigrationState } from './progress.ts';

/** The leftovers of a migration on its destination, by the names that they have there. */
export interface LeftoverNames {
  readonly migrationId: string;
  readonly state: MigrationState;
  /** The migration that has taken the destination since. It decides about the data of this one. */
  readonly retiredBy?: string;
  /** The failure of a failed migration. */
  readonly error?: string;
  readonly collections: readonly string[];
  readonly views: readonly string[];
  /** Indexes that are unique or expire documents on the source and not here: `shop.orders: email_1 (unique)`. */
  readonly weakenedIndexes: readonly string[];
  readonly users: readonly string[];
  readonly roles: readonly string[];
  /** Whether users can't write there. */
  readonly blocked: boolean;
  /** Whether an unfinished cutover may have left the source blocked. No engine opens it once the records are gone. */
  readonly sourceBlocked: boolean;
  /** Whether a failback needs the records, so that a cleanup without `closeFailback` is refused. */
  readonly failbackOpen: boolean;
}

/** Which migration to clean up after, and how. */
export interface CleanUpOptions {
  readonly destination: ClusterAddress;
  readonly migrationId: string;
  /** Drop everything that the migration created on the destination, and nothing else; false by default. Its records are removed in any case. */
  readonly drop?: boolean;
  /** Close a failback that is open; without this, the cleanup is refused. No one can return after that. False by default. */
  readonly closeFailback?: boolean;
  /** Check the same, and change nothing. An open failback is told in `failbackOpen`. */
  readonly dryRun?: boolean;
}

/**
 * Lists the migrations that have records on a destination, and the leftovers of each. Changes nothing.
 * @throws UserError when the destination can't be reached
 */
export async function listMigrationLeftovers(destination: ClusterAddress): Promise<readonly LeftoverNames[]> {
  return (await listLeftovers(destination)).map(namesOf);
}

/**
 * Removes the records of a migration from its destination permanently, and lifts the write block that it set there. Repeating an interrupted call
 * continues it.
 * @returns the leftovers before this call
 * @throws UserError NO_SUCH_MIGRATION, MIGRATION_RUNS while it is active, CUTOVER_UNFINISHED, FAILBACK_OPEN, or COMMITTED_DATA for dropping the data of
 *   a migration that has cut over
 */
export async function cleanUpMigration(options: CleanUpOptions): Promise<LeftoverNames> {
  const { destination, migrationId, drop = false, dryRun = false, closeFailback: closesFailback = false } = options;
  return namesOf(await cleanUp(destination, migrationId, { drop, dryRun, closesFailback }));
}

function namesOf(left: Awaited<ReturnType<typeof cleanUp>>): LeftoverNames {
  const named = ({ database, name }: { readonly database: string; readonly name: string }) => `${database}.${name}`;
  return {
    ...left,
    collections: left.collections.map(named),
    views: left.views.map(named),
    users: left.users.map(({ _id }) => _id.id),
    roles: left.roles.map(({ _id }) => _id.id),
  };
}
