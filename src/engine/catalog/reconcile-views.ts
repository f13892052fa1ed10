import type { EngineContext } from '../lifecycle/context.ts';
import { createCollection, dropCollection, modifyOptions } from './change-catalog.ts';
import { differingFields } from './fields.ts';
import { isNameTaken, nameTaken } from './name-taken.ts';
import { catalogName } from './namespaces.ts';
import { listCollections } from './read-catalog.ts';
import type { PlacedEntry } from './reconcile.ts';

/** Drops the views that the migration made and the source has no more. */
export async function dropGoneViews(
  context: EngineContext,
  database: string,
  views: readonly PlacedEntry[],
): Promise<void> {
  const { destination, fence, namespaces } = context;
  const wanted = new Set(views.map(({ destinationName }) => destinationName));
  const gone = [...context.views.of(database)].filter((name) => !wanted.has(name));
  if (gone.length === 0) return;
  const to = namespaces.database(database);
  const present = await listCollections(destination, to);
  for (const name of gone) {
    const isThere = present.some((entry) => entry.type === 'view' && entry.name === name);
    if (isThere) await dropCollection(fence, to, name);
    await context.views.forget(database, name);
  }
}

/** Makes the source's views, and changes those that differ. @throws UserError NAMESPACE_CONFLICT when something else has a view's name */
export async function makeViews(
  context: EngineContext,
  database: string,
  views: readonly PlacedEntry[],
): Promise<void> {
  if (views.length === 0) return;
  const { destination, fence, namespaces } = context;
  const to = namespaces.database(database);
  const ours = context.views.of(database);
  const present = new Map((await listCollections(destination, to)).map((entry) => [catalogName(entry.name), entry]));
  for (const { destinationName } of views) {
    const existing = present.get(destinationName);
    if (existing === undefined || (existing.type === 'view' && ours.has(destinationName))) continue;
    throw nameTaken(to, destinationName);
  }
  const names = views.map(({ destinationName }) => destinationName);
  await context.views.note(
    database,
    names.filter((name) => !ours.has(name)),
  );
  for (const view of views) {
    const existing = present.get(view.destinationName);
    if (existing === undefined) await make(context, view);
    else if (differingFields(existing.options, view.options).includes('collation')) {
      await dropCollection(fence, to, view.destinationName);
      await make(context, view);
    } else await modifyOptions(fence, existing, view.options);
  }
}

async function make(context: EngineContext, { database, destinationName, options }: PlacedEntry): Promise<void> {
  const { destination, fence, namespaces } = context;
  const to = namespaces.database(database);
  try {
    await createCollection(fence, to, destinationName, options);
  } catch (error) {
    if (!isNameTaken(error)) throw error;
    // An earlier try whose answer was lost, or somebody was faster.
    const present = (await listCollections(destination, to)).find(({ name }) => name === destinationName);
    if (present?.type === 'view' && differingFields(present.options, options).length === 0) return;
    await context.views.forget(database, destinationName);
    throw nameTaken(to, destinationName);
  }
}
