import type { Labels, MigrationStatus } from '../../contract/index.ts';
import { authorizeGroup, authorizeOrganization } from '../accounts/actor.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';
import { groupsOf } from '../records/queries.ts';
import type { Migration } from '../records/records.ts';
import { grantsInGroup } from '../records/roles.ts';

/** Selects migrations. An empty filter selects all. */
export interface MigrationFilter {
  /** Migrations with one of these statuses. */
  readonly statuses?: readonly MigrationStatus[];
  /** The names of the clusters. */
  readonly source?: string;
  readonly destination?: string;
  /** All of these labels; with `null`, whatever their value. */
  readonly labels?: Readonly<Record<string, string | null>>;
}

/**
 * The migrations into the project, the newest first, including ended ones.
 * @throws UserError as {@link authorizeGroup}
 */
export async function listMigrations(
  { store }: Control,
  actor: Actor,
  groupId: string,
  filter: MigrationFilter,
): Promise<Migration[]> {
  await authorizeGroup(store, actor, groupId, 'GROUP_READ_ONLY');
  return await migrationsInto(store, [groupId], filter);
}

/**
 * The migrations into the projects of an organization that the actor may read, the newest first, including ended ones.
 * @throws UserError as {@link authorizeOrganization}
 */
export async function listMigrationsOf(
  { store }: Control,
  actor: Actor,
  orgId: string,
  filter: MigrationFilter,
): Promise<Migration[]> {
  await authorizeOrganization(store, actor, orgId, 'ORG_MEMBER');
  const groups = (await groupsOf(store, orgId)).filter(({ id }) => grantsInGroup(actor, id, 'GROUP_READ_ONLY'));
  const ids = groups.map(({ id }) => id);
  return await migrationsInto(store, ids, filter);
}

async function migrationsInto(
  store: Control['store'],
  groupIds: readonly string[],
  { statuses, source, destination, labels = {} }: MigrationFilter,
): Promise<Migration[]> {
  const all = await store.find('migrations', { groupId: { in: groupIds } }, { reverse: true });
  const clusters =
    destination === undefined
      ? undefined
      : new Set((await store.find('clusters', { groupId: { in: groupIds }, name: destination })).map(({ id }) => id));
  return all.filter(
    (migration) =>
      (statuses?.includes(migration.state.status) ?? true) &&
      (source === undefined || migration.sourceClusterName === source) &&
      (clusters?.has(migration.destinationClusterId) ?? true) &&
      Object.entries(labels).every(([name, value]) => hasLabel(migration.labels, name, value)),
  );
}

function hasLabel(labels: Labels, name: string, value: string | null): boolean {
  return Object.hasOwn(labels, name) && (value === null || labels[name] === value);
}
