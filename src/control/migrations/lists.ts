import type { ReportedLists } from '../../link/index.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';
import type { ListItems, ListName, ReportedList } from '../records/records.ts';
import { findOne, type StoreTransaction } from '../records/store-port.ts';
import { contactOfMigration } from './migration-contact.ts';
import { getMigrationOfReader } from './migrations.ts';

const NAMES: readonly ListName[] = ['collections', 'mismatches'];

/** About 50 MB in the store. Of a longer list, nothing is stored: figures that are never updated would be wrong. */
const MOST_ITEMS = 100_000;
/** How long a list is kept after its last report. */
const KEPT_MS = 30 * 24 * 60 * 60_000;
/** How often a list without changes is noted as reported. */
const CONFIRMED_EVERY_MS = 60_000;

/**
 * Stores an agent's report of a migration's lists. A list that is not in the report has not changed, once the engine
 * knows it.
 * @param isLoaded  whether the engine has read the migration's records, and so knows the lists
 * @returns false when it lacks an earlier part, so that the agent has to begin the lists anew
 */
export async function takeLists(
  transaction: StoreTransaction,
  migrationId: string,
  {
    lists,
    isLoaded,
    atMs,
  }: { readonly lists: ReportedLists | undefined; readonly isLoaded: boolean; readonly atMs: number },
): Promise<boolean> {
  await deleteLists(transaction, atMs - KEPT_MS);
  let isComplete = true;
  for (const list of NAMES) {
    const place = { migrationId, list, atMs };
    isComplete = (await takePart(transaction, place, { lists, isLoaded })) && isComplete;
  }
  return isComplete;
}

/** Deletes the lists, of all migrations, of which nothing was reported after a time. */
export async function deleteLists(transaction: StoreTransaction, untilMs: number): Promise<void> {
  for (const { migrationId, list } of await transaction.find('migrationLists', { atMs: { lte: untilMs } })) {
    await transaction.delete('migrationListItems', { migrationId, list });
    await transaction.delete('migrationLists', { migrationId, list });
  }
}

async function takePart(
  transaction: StoreTransaction,
  place: { readonly migrationId: string; readonly list: ListName; readonly atMs: number },
  { lists, isLoaded }: { readonly lists: ReportedLists | undefined; readonly isLoaded: boolean },
): Promise<boolean> {
  const { migrationId, list, atMs } = place;
  const before = await findOne(transaction, 'migrationLists', { migrationId, list });
  const part = lists?.[list];
  if (part === undefined) {
    if (isLoaded && before !== undefined && atMs - before.atMs >= CONFIRMED_EVERY_MS)
      await transaction.put('migrationLists', { ...before, atMs });
    return true;
  }
  const { series, total, changed, removed } = part;
  if (part.part === 0) await transaction.delete('migrationListItems', { migrationId, list });
  // The part before, or this one: its answer may have been lost.
  else if (before?.series !== series || (before.part !== part.part - 1 && before.part !== part.part)) return false;
  for (const item of changed)
    await transaction.put('migrationListItems', { migrationId, list, item, rank: rankOf(item) });
  for (const id of removed) await transaction.delete('migrationListItems', { migrationId, list, id });
  let stored = await transaction.count('migrationListItems', { migrationId, list });
  if (total > MOST_ITEMS || stored > MOST_ITEMS) {
    await transaction.delete('migrationListItems', { migrationId, list });
    stored = 0;
  }
  await transaction.put('migrationLists', { ...place, series, part: part.part, total, stored });
  return true;
}

/**
 * Lists are read in descending order of this: the largest collections first, and the oldest mismatches, so that a client
 * that pages through the list misses no new item.
 */
function rankOf(item: ListItems[ListName]): number {
  return 'firstSeen' in item ? -Date.parse(item.firstSeen) : (item.bytesTotal ?? item.bytesCopied);
}

/** Some items of a list, and how much of the list is known. */
export interface ListPage<Name extends ListName> {
  /** Undefined while the agent has reported nothing of it. */
  readonly reported: ReportedList | undefined;
  readonly items: readonly ListItems[Name][];
  /** The number of all items that match. */
  readonly matching: number;
  /** Whether the agent reports now: without it, rates say nothing. */
  readonly isCurrent: boolean;
}

/**
 * Returns items of a migration's list, largest collections or oldest mismatches first.
 * @param place   ids of the project and the migration
 * @param namespace  only items whose namespace contains it, in any case; empty for all
 * @throws UserError as {@link getMigrationOfReader}
 */
export async function getList<Name extends ListName>(
  control: Control,
  actor: Actor,
  [groupId, migrationId]: readonly [groupId: string, migrationId: string],
  list: Name,
  { namespace, skip, limit }: { readonly namespace: string; readonly skip: number; readonly limit: number },
): Promise<ListPage<Name>> {
  const { store, clock } = control;
  const migration = await getMigrationOfReader(control, actor, groupId, migrationId);
  const agent = await store.get('agents', migration.agentId);
  const contact = agent && contactOfMigration(migration, agent, clock.now());
  const where = { migrationId, list, namespace: { contains: namespace } };
  const items = await store.find('migrationListItems', where, { skip, limit });
  return {
    reported: await findOne(store, 'migrationLists', { migrationId, list }),
    // The items are of this list.
    items: items.map(({ item }) => item as ListItems[Name]),
    matching: await store.count('migrationListItems', where),
    isCurrent: migration.state.endedAtMs === null && contact?.status === 'CONNECTED',
  };
}
