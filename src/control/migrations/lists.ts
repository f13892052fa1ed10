import type { ReportedLists } from '../../link/index.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';
import type { ListItems, ListName, ReportedList } from '../records/records.ts';
import type { StoreTransaction } from '../records/store-port.ts';
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
  await transaction.deleteLists(atMs - KEPT_MS);
  let isComplete = true;
  for (const list of NAMES) {
    const place = { migrationId, list, atMs };
    isComplete = (await takePart(transaction, place, { lists, isLoaded })) && isComplete;
  }
  return isComplete;
}

async function takePart(
  transaction: StoreTransaction,
  place: { readonly migrationId: string; readonly list: ListName; readonly atMs: number },
  { lists, isLoaded }: { readonly lists: ReportedLists | undefined; readonly isLoaded: boolean },
): Promise<boolean> {
  const { migrationId, list, atMs } = place;
  const before = await transaction.reportedList(migrationId, list);
  const part = lists?.[list];
  if (part === undefined) {
    if (isLoaded && before !== undefined && atMs - before.atMs >= CONFIRMED_EVERY_MS)
      await transaction.putReportedList({ ...before, atMs });
    return true;
  }
  const { series, total, changed, removed } = part;
  if (part.part === 0) await transaction.clearList(migrationId, list);
  // The part before, or this one: its answer may have been lost.
  else if (before?.series !== series || (before.part !== part.part - 1 && before.part !== part.part)) return false;
  for (const item of changed) await transaction.putListItem({ migrationId, list, item, rank: rankOf(item) });
  for (const id of removed) await transaction.deleteListItem(migrationId, list, id);
  let stored = await transaction.countListItems(migrationId, list, '');
  if (total > MOST_ITEMS || stored > MOST_ITEMS) {
    await transaction.clearList(migrationId, list);
    stored = 0;
  }
  await transaction.putReportedList({ ...place, series, part: part.part, total, stored });
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
 * @param window  `namespace`: only items whose namespace contains it, in any case; empty for all
 * @throws UserError as {@link getMigrationOfReader}
 */
export async function getList<Name extends ListName>(
  control: Control,
  actor: Actor,
  [groupId, migrationId]: readonly [groupId: string, migrationId: string],
  list: Name,
  window: { readonly namespace: string; readonly skip: number; readonly limit: number },
): Promise<ListPage<Name>> {
  const { store, clock } = control;
  const migration = await getMigrationOfReader(control, actor, groupId, migrationId);
  const agent = await store.agent(migration.agentId);
  const contact = agent && contactOfMigration(migration, agent, clock.now());
  return {
    reported: await store.reportedList(migrationId, list),
    items: await store.listItems(migrationId, list, window),
    matching: await store.countListItems(migrationId, list, window.namespace),
    isCurrent: migration.state.endedAtMs === null && contact?.status === 'CONNECTED',
  };
}
