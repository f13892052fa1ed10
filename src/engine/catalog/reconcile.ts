import type { UUID } from 'mongodb';
import { reach, UserError } from '../../platform/index.ts';
import type { EngineContext } from '../lifecycle/context.ts';
import { Slots } from '../lifecycle/slots.ts';
import { createCollection, dropCollection, modifyOptions, renameCollection } from './change-catalog.ts';
import { differingFields } from './fields.ts';
import { type CatalogEntry, databaseExists, listCollections, listUserDatabases } from './read-catalog.ts';
import { TrackedCollection } from './tracked-collection.ts';
import { refuseUnsupported } from './unsupported.ts';

/** Creating costs a round trip and a commit each, and there may be thousands. */
const CREATED_AT_A_TIME = 8;

type IdentifiedEntry = CatalogEntry & { readonly uuid: UUID };

/**
 * Makes the destination's catalog like the source's is now: drops, renames, creates, modifies, views. It compares states instead of
 * replaying events, so it may run at any time, repeat itself and be ahead of the stream [38–40]. Documents are not its business.
 *
 * Not to be run twice at the same time.
 */
export async function reconcileCatalog(context: EngineContext, databases: Iterable<string>): Promise<void> {
  for (const database of databases) {
    await context.retrier.run('the catalogs of both clusters', () => reconcileDatabase(context, database));
  }
}

/** Databases that either side has, or the engine knows. */
export async function databasesOf(context: EngineContext): Promise<Set<string>> {
  const { retrier, source, destination, tracked } = context;
  const listed = await retrier.run('the catalogs of both clusters', () =>
    Promise.all([listUserDatabases(source), listUserDatabases(destination)]),
  );
  return new Set([...listed.flat(), ...[...tracked.values()].map(({ database }) => database)]);
}

async function reconcileDatabase(context: EngineContext, database: string): Promise<void> {
  const listed = await listCollections(context.source, database);
  const wanted = listed.filter(({ name }) => context.selection.has(database, name));
  refuseUnsupported(wanted, context.sourceFeatures);
  refuseRenamedAway(context, listed);
  const collections = wanted.filter(
    (entry): entry is IdentifiedEntry => entry.type === 'collection' && entry.uuid !== undefined,
  );
  const views = wanted.filter(({ type }) => type === 'view');

  await adoptUnfinished(context, database);
  await dropGone(context, database, collections, views);
  await renameMoved(context, database, collections);
  await createNew(context, database, collections);
  await modifyChanged(context, database, collections, views);
  await dropEmptied(context, database, wanted);
}

/** Dropping its last view leaves a database behind that the source has no more. */
async function dropEmptied(context: EngineContext, database: string, wanted: readonly CatalogEntry[]): Promise<void> {
  if (wanted.length > 0 || (await databaseExists(context.source, database))) return;
  if ((await listCollections(context.destination, database)).length > 0) return;
  if (await databaseExists(context.destination, database)) {
    await context.destination.db(database).command({ dropDatabase: 1 });
  }
}

/** Outside the selection its changes would no longer be followed, which must not look as if it were dropped. */
function refuseRenamedAway(context: EngineContext, listed: readonly CatalogEntry[]): void {
  for (const { database, name, uuid } of listed) {
    const collection = uuid === undefined ? undefined : context.tracked.get(uuid.toHexString(false));
    if (collection === undefined || context.selection.has(database, name)) continue;
    throw new UserError('NAMESPACE_CONFLICT', [
      collection.namespace,
      `it was renamed to ${name}, which is not selected`,
    ]);
  }
}

/** A collection that was being created when an engine was killed may or may not be there. */
async function adoptUnfinished(context: EngineContext, database: string): Promise<void> {
  const unfinished = [...context.tracked.values()].filter(
    (one) => one.database === database && one.destinationUuid === null,
  );
  if (unfinished.length === 0) return;
  const owned = new Set(
    [...context.tracked.values()].map(({ destinationUuid }) => destinationUuid?.toHexString(false)),
  );
  const present = await listCollections(context.destination, database);
  const adopted: TrackedCollection[] = [];
  for (const collection of unfinished) {
    const entry = present.find(
      ({ name, uuid }) => name === collection.destinationName && !owned.has(uuid?.toHexString(false)),
    );
    if (entry?.uuid === undefined) {
      context.tracked.delete(collection.id);
      continue;
    }
    collection.destinationUuid = entry.uuid;
    collection.state = 'pending';
    adopted.push(collection);
  }
  await saveAll(context, adopted);
}

async function dropGone(
  context: EngineContext,
  database: string,
  collections: readonly IdentifiedEntry[],
  views: readonly CatalogEntry[],
): Promise<void> {
  const alive = new Set(collections.map(({ uuid }) => uuid.toHexString(false)));
  const present = await listCollections(context.destination, database);
  for (const collection of [...context.tracked.values()]) {
    if (collection.database !== database || alive.has(collection.id)) continue;
    collection.dropped.abort();
    const entry = present.find(
      ({ uuid }) => uuid?.toHexString(false) === collection.destinationUuid?.toHexString(false),
    );
    if (entry !== undefined) await dropCollection(context.destination, database, entry.name, entry.uuid);
    await context.checkpoint.removeCollection(collection.uuid);
    context.tracked.delete(collection.id);
  }
  for (const view of present.filter(({ type }) => type === 'view')) {
    if (!views.some(({ name }) => name === view.name)) await dropCollection(context.destination, database, view.name);
  }
}

/** Renames may swap names or form a ring, so whatever stands in the way steps aside first. */
async function renameMoved(
  context: EngineContext,
  database: string,
  collections: readonly IdentifiedEntry[],
): Promise<void> {
  const byDestination = new Map(
    [...context.tracked.values()].map((collection) => [collection.destinationUuid?.toHexString(false), collection]),
  );
  const located = new Map<string, TrackedCollection>();
  for (const { name, uuid } of await listCollections(context.destination, database)) {
    const collection = uuid === undefined ? undefined : byDestination.get(uuid.toHexString(false));
    if (collection !== undefined) located.set(name, collection);
  }
  const move = async (collection: TrackedCollection, from: string, to: string) => {
    await renameCollection(context.destination, { ...collection.target, name: from }, to);
    located.delete(from);
    located.set(to, collection);
    collection.destinationName = to;
    await context.checkpoint.saveCollection(collection.toRecord(context.checkpoint.migrationId));
  };
  for (const { name, uuid } of collections) {
    const collection = context.tracked.get(uuid.toHexString(false));
    if (collection === undefined) continue;
    collection.sourceName = name;
    const at = [...located].find(([, one]) => one === collection)?.[0];
    if (at === undefined || at === name) continue;
    const inTheWay = located.get(name);
    if (inTheWay !== undefined) await move(inTheWay, name, `linkspan.moving.${inTheWay.id}`);
    await reach('engine.catalog.stepped-aside');
    await move(collection, at, name);
  }
}

async function createNew(
  context: EngineContext,
  database: string,
  collections: readonly IdentifiedEntry[],
): Promise<void> {
  const created = collections.filter(({ uuid }) => !context.tracked.has(uuid.toHexString(false)));
  if (created.length === 0) return;
  const taken = new Set((await listCollections(context.destination, database)).map(({ name }) => name));
  const conflict = created.find(({ name }) => taken.has(name));
  if (conflict !== undefined) {
    throw new UserError('NAMESPACE_CONFLICT', [
      `${database}.${conflict.name}`,
      'something else has its name on the destination',
    ]);
  }
  // Known before they are made: whatever an engine that dies here leaves behind is its own, and taken up again.
  const made = created.map((entry) => new TrackedCollection(entry));
  await saveAll(context, made);
  for (const collection of made) context.tracked.set(collection.id, collection);
  const slots = new Slots(CREATED_AT_A_TIME);
  const creations = created.map(({ name, options }) =>
    slots.run(async () => {
      await createCollection(context.destination, database, name, options);
      await reach('engine.catalog.created');
    }),
  );
  const failed = (await Promise.allSettled(creations)).find((creation) => creation.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  await adoptUnfinished(context, database);
}

async function saveAll(context: EngineContext, collections: readonly TrackedCollection[]): Promise<void> {
  const { checkpoint } = context;
  await checkpoint.saveCollections(collections.map((collection) => collection.toRecord(checkpoint.migrationId)));
}

async function modifyChanged(
  context: EngineContext,
  database: string,
  collections: readonly IdentifiedEntry[],
  views: readonly CatalogEntry[],
): Promise<void> {
  const present = await listCollections(context.destination, database);
  for (const entry of collections) {
    const collection = context.tracked.get(entry.uuid.toHexString(false));
    const existing = present.find(({ name, type }) => name === entry.name && type === 'collection');
    if (collection === undefined || existing === undefined) continue;
    await modifyOptions(context.destination, existing, entry.options);
    if (differingFields(collection.options, entry.options).length === 0) continue;
    collection.options = entry.options;
    await context.checkpoint.saveCollection(collection.toRecord(context.checkpoint.migrationId));
  }
  for (const view of views) {
    const existing = present.find(({ name }) => name === view.name);
    if (existing === undefined) await createCollection(context.destination, database, view.name, view.options);
    else if (existing.options.has('viewOn') && differingFields(existing.options, view.options).includes('collation')) {
      await dropCollection(context.destination, database, view.name);
      await createCollection(context.destination, database, view.name, view.options);
    } else await modifyOptions(context.destination, existing, view.options);
  }
}
