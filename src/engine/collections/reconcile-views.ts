import { failpoint } from '../../platform/index.ts';
import { createCollection, dropCollection } from '../catalog/change-catalog.ts';
import { differingFields } from '../catalog/fields.ts';
import { isNameTaken, nameTaken } from '../catalog/name-taken.ts';
import { type CatalogEntry, listCollections } from '../catalog/read-catalog.ts';
import { catalogName } from '../mongodb/namespaces.ts';
import type { Clusters, Records } from '../records/context.ts';
import type { Migrated } from './context.ts';
import type { PlacedEntry } from './placed-entry.ts';

/** Drops the views that the migration made and the source no longer has. */
export async function dropGoneViews(
  context: Clusters & Records & Migrated,
  database: string,
  views: readonly PlacedEntry[],
): Promise<void> {
  const { checkpoint, destination, fence, namespaces } = context;
  const wanted = new Set(views.map(({ destinationName }) => destinationName));
  const gone = [...context.views.of(database)].filter((name) => !wanted.has(name));
  if (gone.length === 0) return;
  const to = namespaces.database(database);
  const present = await listCollections(destination, to);
  const ofOthers = await checkpoint.unretried.viewsOfOthers(to);
  for (const name of gone) {
    const entry = present.find((one) => one.type === 'view' && one.name === name);
    // rule: own-view-by-record
    if (entry !== undefined && context.views.isMade(database, entry) && !ofOthers.has(name))
      await dropCollection(fence, to, name);
    await context.views.forget(database, name);
  }
}

/** Creates missing views, and changes those that differ. @throws UserError NAMESPACE_CONFLICT when something else has a view's name */
export async function makeViews(
  context: Clusters & Records & Migrated,
  database: string,
  views: readonly PlacedEntry[],
): Promise<void> {
  if (views.length === 0) return;
  const { checkpoint, destination, fence, namespaces } = context;
  const to = namespaces.database(database);
  const present = new Map((await listCollections(destination, to)).map((entry) => [catalogName(entry.name), entry]));
  await refuseTaken(context, database, views, present);
  const missing = views.filter(({ destinationName }) => !present.has(destinationName));
  // Must come before the record: when two migrations make the same view, the later one owns it, or neither does.
  await checkpoint.unretried.takeViewNames(
    to,
    missing.map(({ destinationName }) => destinationName),
  );
  const definitions = new Map(views.map(({ destinationName, options }) => [destinationName, options]));
  await context.views.note(database, to, definitions);
  await failpoint('engine.catalog.views-noted');
  // A server refuses views on each other that form a ring or differ in their collations, also for a moment. Whatever is left
  // of the source's views has neither, so all that differ are dropped before one is made.
  const differing = views.filter(({ destinationName, options }) => {
    const existing = present.get(destinationName);
    return existing !== undefined && differingFields(existing.options, options).length > 0;
  });
  // rule: drop-views-before-making
  for (const { destinationName } of differing) await dropCollection(fence, to, destinationName);
  await failpoint('engine.catalog.views-dropped');
  for (const view of [...missing, ...differing]) await make(context, view);
  await context.views.settle(database, to, definitions);
}

/**
 * Refuses a view whose name is taken on the destination. A view is the migration's own when its name is on record. On a kept destination it
 * must also have a recorded definition, and be on no other migration's record.
 */
async function refuseTaken(
  { checkpoint, keepsDestination, namespaces, views: made }: Clusters & Records & Migrated,
  database: string,
  views: readonly PlacedEntry[],
  present: ReadonlyMap<string, CatalogEntry>,
): Promise<void> {
  const to = namespaces.database(database);
  const ours = made.of(database);
  const ofOthers = keepsDestination ? await checkpoint.unretried.viewsOfOthers(to) : new Set();
  for (const { destinationName: name } of views) {
    const existing = present.get(name);
    if (existing === undefined) continue;
    const isOurs = existing.type === 'view' && ours.has(name);
    const isShared = keepsDestination && (ofOthers.has(name) || !made.isMade(database, existing));
    if (!isOurs || isShared) throw nameTaken(to, name);
  }
}

async function make(context: Clusters & Migrated, { database, destinationName, options }: PlacedEntry): Promise<void> {
  const { destination, fence, namespaces } = context;
  const to = namespaces.database(database);
  try {
    await createCollection(fence, to, destinationName, options);
  } catch (error) {
    if (!isNameTaken(error)) throw error;
    // Either an earlier attempt succeeded and its reply was lost, or another client took the name.
    const present = (await listCollections(destination, to)).find(({ name }) => name === destinationName);
    if (present?.type === 'view' && differingFields(present.options, options).length === 0) return;
    await context.views.forget(database, destinationName);
    throw nameTaken(to, destinationName);
  }
}
