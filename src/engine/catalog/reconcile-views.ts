import type { EngineContext } from '../lifecycle/context.ts';
import { createCollection, dropCollection, modifyOptions } from './change-catalog.ts';
import { differingFields } from './fields.ts';
import { nameTaken } from './name-taken.ts';
import { catalogName } from './namespaces.ts';
import { type CatalogEntry, listCollections } from './read-catalog.ts';

const NAMESPACE_EXISTS = 48;

/** Drops the views that the migration made and the source has no more. */
export async function dropGoneViews(
  context: EngineContext,
  database: string,
  views: readonly CatalogEntry[],
): Promise<void> {
  const gone = [...context.views.of(database)].filter((name) => !views.some((view) => view.name === name));
  if (gone.length === 0) return;
  const present = await listCollections(context.destination, database);
  for (const name of gone) {
    const isThere = present.some((entry) => entry.type === 'view' && entry.name === name);
    if (isThere) await dropCollection(context.destination, database, name);
    await context.views.forget(database, name);
  }
}

/** Makes the source's views, and changes those that differ. @throws UserError NAMESPACE_CONFLICT when something else has a view's name */
export async function makeViews(
  context: EngineContext,
  database: string,
  views: readonly CatalogEntry[],
): Promise<void> {
  if (views.length === 0) return;
  const { destination } = context;
  const ours = context.views.of(database);
  const present = new Map(
    (await listCollections(destination, database)).map((entry) => [catalogName(entry.name), entry]),
  );
  for (const { name } of views) {
    const existing = present.get(name);
    if (existing !== undefined && !(existing.type === 'view' && ours.has(name))) throw nameTaken(database, name);
  }
  await context.views.note(
    database,
    views.map(({ name }) => name).filter((name) => !ours.has(name)),
  );
  for (const view of views) {
    const existing = present.get(view.name);
    if (existing === undefined) await make(context, view);
    else if (differingFields(existing.options, view.options).includes('collation')) {
      await dropCollection(destination, database, view.name);
      await make(context, view);
    } else await modifyOptions(destination, existing, view.options);
  }
}

async function make(context: EngineContext, view: CatalogEntry): Promise<void> {
  const { database, name, options } = view;
  try {
    await createCollection(context.destination, database, name, options);
  } catch (error) {
    if ((error as { code?: unknown }).code !== NAMESPACE_EXISTS) throw error;
    // An earlier try whose answer was lost, or somebody was faster.
    const present = (await listCollections(context.destination, database)).find((entry) => entry.name === name);
    if (present?.type === 'view' && differingFields(present.options, options).length === 0) return;
    await context.views.forget(database, name);
    throw nameTaken(database, name);
  }
}
