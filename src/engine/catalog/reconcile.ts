import type { UUID } from 'mongodb';
import { messageOf, reach, UserError } from '../../platform/index.ts';
import { classify } from '../cluster/failure-policy.ts';
import { readAll } from '../cluster/raw-cursor.ts';
import type { EngineContext } from '../lifecycle/context.ts';
import { Slots } from '../lifecycle/slots.ts';
import { createCollection, dropCollection, modifyOptions, renameCollection } from './change-catalog.ts';
import { declareRestart } from './declare-restart.ts';
import { differingFields } from './fields.ts';
import { refuseNameConflicts } from './name-conflicts.ts';
import { isNameTaken, nameTaken } from './name-taken.ts';
import { catalogName } from './namespaces.ts';
import { type CatalogEntry, databaseExists, listCollections, listUserDatabases } from './read-catalog.ts';
import { dropGoneViews, makeViews } from './reconcile-views.ts';
import { refuseOtherFilters, refuseRenamedAway } from './refuse-renamed.ts';
import { carryFlags } from './time-series-flags.ts';
import { TrackedCollection } from './tracked-collection.ts';
import { refuseUnsupported } from './unsupported.ts';

/** Creating costs round trips and a commit each, and there may be thousands. */
const AT_A_TIME = 8;

/** An entry of the source's catalog, and its name on the destination. */
export type PlacedEntry = CatalogEntry & { readonly destinationName: string };

type PlacedCollection = PlacedEntry & { readonly uuid: UUID };

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

/** Databases of the source, by its names: those that it has, that the engine knows, or of which the destination may have a remainder. */
export async function databasesOf(context: EngineContext): Promise<Set<string>> {
  const { retrier, source, destination, keepsDestination, namespaces } = context;
  const [there, here] = await retrier.run('the catalogs of both clusters', () =>
    Promise.all([listUserDatabases(source), keepsDestination ? [] : listUserDatabases(destination)]),
  );
  return new Set([...there, ...here.map((name) => namespaces.sourceOf(name)), ...knownDatabases(context)]);
}

/** Drops what the migration made, and nothing else. */
export async function dropMade(context: EngineContext): Promise<void> {
  for (const database of new Set(knownDatabases(context))) {
    await context.retrier.run('the destination', async () => {
      await adoptUnfinished(context, database);
      await dropGone(context, database, []);
      await dropGoneViews(context, database, []);
      await dropEmptied(context, database);
    });
  }
}

function knownDatabases({ tracked, views }: EngineContext): string[] {
  return [...[...tracked.values()].map(({ sourceDatabase }) => sourceDatabase), ...views.databases];
}

async function reconcileDatabase(context: EngineContext, database: string): Promise<void> {
  const listed = await listCollections(context.source, database);
  const wanted = listed
    .filter(({ name }) => context.selection.has(database, name))
    .map((entry) => ({ ...entry, destinationName: context.namespaces.collection(database, entry.name) }));
  refuseUnsupported(wanted, context.sourceFeatures);
  refuseNameConflicts(context.namespaces, database, wanted);
  refuseRenamedAway(context, listed);
  refuseOtherFilters(context, wanted);
  const collections = wanted.filter(
    (entry): entry is PlacedCollection => entry.type === 'collection' && entry.uuid !== undefined,
  );
  const views = wanted.filter(({ type }) => type === 'view');

  await adoptUnfinished(context, database);
  await dropGone(context, database, collections);
  await dropGoneViews(context, database, views);
  await renameMoved(context, database, collections);
  await createNew(context, database, collections);
  await modifyChanged(context, database, collections);
  await makeViews(context, database, views);
  if (wanted.length === 0 && !(await databaseExists(context.source, database))) await dropEmptied(context, database);
}

/** Dropping its last view leaves a database behind. One that was there before the migration may hold what is not listed, and stays. */
async function dropEmptied(context: EngineContext, database: string): Promise<void> {
  const { destination, fence, keepsDestination, namespaces } = context;
  const emptied = namespaces.database(database);
  if (keepsDestination || (await listCollections(destination, emptied)).length > 0) return;
  if (await databaseExists(destination, emptied)) await fence.change(emptied, { dropDatabase: 1 });
}

/**
 * A collection that was being created when an engine was killed may or may not be there. Nothing is written before its UUID is on record,
 * so one with documents is somebody else's.
 */
async function adoptUnfinished(context: EngineContext, database: string): Promise<void> {
  const unfinished = [...context.tracked.values()].filter(
    (one) => one.sourceDatabase === database && one.destinationUuid === null,
  );
  if (unfinished.length === 0) return;
  const owned = new Set(
    [...context.tracked.values()].map(({ destinationUuid }) => destinationUuid?.toHexString(false)),
  );
  const present = await listCollections(context.destination, context.namespaces.database(database));
  const adopted: TrackedCollection[] = [];
  await forEach(unfinished, async (collection) => {
    const entry = present.find(
      ({ name, uuid }) => name === collection.destinationName && !owned.has(uuid?.toHexString(false)),
    );
    if (entry?.uuid === undefined || (await hasDocuments(context, entry, entry.uuid))) {
      context.tracked.delete(collection.id);
      return;
    }
    collection.destinationUuid = entry.uuid;
    collection.state = 'pending';
    adopted.push(collection);
  });
  await saveAll(context, adopted);
}

async function hasDocuments(
  { destination }: EngineContext,
  { database, name }: CatalogEntry,
  collectionUUID: UUID,
): Promise<boolean> {
  const command = { find: name, limit: 1, projection: { _id: 1 }, collectionUUID };
  return (await readAll(destination, database, { ...command, readConcern: { level: 'majority' } })).length > 0;
}

async function dropGone(
  context: EngineContext,
  database: string,
  collections: readonly PlacedCollection[],
): Promise<void> {
  const alive = new Set(collections.map(({ uuid }) => uuid.toHexString(false)));
  const present = await listCollections(context.destination, context.namespaces.database(database));
  for (const collection of [...context.tracked.values()]) {
    if (collection.sourceDatabase !== database || alive.has(collection.id)) continue;
    collection.dropped.abort();
    const entry = present.find(
      ({ uuid }) => uuid?.toHexString(false) === collection.destinationUuid?.toHexString(false),
    );
    if (entry !== undefined) await dropCollection(context.fence, entry.database, entry.name, entry.uuid);
    // In one breath: whoever looks sees both, that less is copied and why.
    context.tracked.delete(collection.id);
    await declareRestart(context, collection);
    // Tried again here: whoever compares the catalogs once more does not find it.
    await context.retrier.run('the destination', () => context.checkpoint.removeCollection(collection.uuid));
  }
}

/** Renames may swap names or form a ring, so whatever stands in the way steps aside first. */
async function renameMoved(
  context: EngineContext,
  database: string,
  collections: readonly PlacedCollection[],
): Promise<void> {
  const byDestination = new Map(
    [...context.tracked.values()].map((collection) => [collection.destinationUuid?.toHexString(false), collection]),
  );
  const located = new Map<string, TrackedCollection>();
  const places = new Map<TrackedCollection, string>();
  const place = (collection: TrackedCollection, name: string) => {
    located.set(name, collection);
    places.set(collection, name);
  };
  for (const { name, uuid } of await listCollections(context.destination, context.namespaces.database(database))) {
    const collection = uuid === undefined ? undefined : byDestination.get(uuid.toHexString(false));
    if (collection !== undefined) place(collection, name);
  }
  const move = async (collection: TrackedCollection, from: string, to: string) => {
    try {
      await renameCollection(context.fence, { ...collection.target, name: from }, to);
    } catch (error) {
      throw isNameTaken(error) ? nameTaken(collection.destinationDatabase, to) : error;
    }
    located.delete(from);
    place(collection, to);
    collection.destinationName = to;
    await context.checkpoint.saveCollection(collection.toRecord(context.checkpoint.migrationId));
  };
  for (const { name, destinationName, uuid } of collections) {
    const collection = context.tracked.get(uuid.toHexString(false));
    if (collection === undefined) continue;
    collection.sourceName = name;
    const at = places.get(collection);
    if (at === undefined || at === destinationName) continue;
    const inTheWay = located.get(destinationName);
    if (inTheWay !== undefined) await move(inTheWay, destinationName, `linkspan.moving.${inTheWay.id}`);
    await reach('engine.catalog.stepped-aside');
    await move(collection, at, destinationName);
  }
}

async function createNew(
  context: EngineContext,
  database: string,
  collections: readonly PlacedCollection[],
): Promise<void> {
  const created = collections.filter(({ uuid }) => !context.tracked.has(uuid.toHexString(false)));
  if (created.length === 0) return;
  const { destination, namespaces, documentFilters } = context;
  const to = namespaces.database(database);
  const taken = new Set((await listCollections(destination, to)).map(({ name }) => catalogName(name)));
  const conflict = created.find(({ destinationName }) => taken.has(catalogName(destinationName)));
  if (conflict !== undefined) throw nameTaken(to, conflict.destinationName);
  // Known before they are made: whatever an engine that dies here leaves behind is its own, and taken up again.
  const made = created.map((entry) => {
    const collection = new TrackedCollection(entry, { database: to, name: entry.destinationName });
    collection.filter = documentFilters.of(database, entry.name) ?? null;
    return collection;
  });
  await saveAll(context, made);
  for (const collection of made) context.tracked.set(collection.id, collection);
  await forEach(made, async (collection) => {
    await create(context, collection);
    await reach('engine.catalog.created');
  });
  await adoptUnfinished(context, database);
  const lost = made.find(({ id }) => !context.tracked.has(id));
  if (lost !== undefined) throw nameTaken(to, lost.destinationName);
}

async function create(context: EngineContext, collection: TrackedCollection): Promise<void> {
  const { destinationDatabase, destinationName, options } = collection;
  try {
    await createCollection(context.fence, destinationDatabase, destinationName, options);
  } catch (error) {
    // An earlier try whose answer was lost, or somebody was faster: adopting it finds out.
    if (isNameTaken(error)) return;
    if (classify(error) === 'transient') throw error;
    const reason = `it can't be made on the destination: ${messageOf(error)}`;
    throw new UserError('NAMESPACE_CONFLICT', [`${destinationDatabase}.${destinationName}`, reason], { cause: error });
  }
}

/** Several at a time. @throws the first failure, when all have ended */
async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const slots = new Slots(AT_A_TIME);
  const ended = await Promise.allSettled(items.map((item) => slots.run(() => work(item))));
  const failed = ended.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function saveAll(context: EngineContext, collections: readonly TrackedCollection[]): Promise<void> {
  const { checkpoint } = context;
  await checkpoint.saveCollections(collections.map((collection) => collection.toRecord(checkpoint.migrationId)));
}

async function modifyChanged(
  context: EngineContext,
  database: string,
  collections: readonly PlacedCollection[],
): Promise<void> {
  const listed = await listCollections(context.destination, context.namespaces.database(database));
  const present = new Map(listed.map((entry) => [entry.uuid?.toHexString(), entry]));
  for (const entry of collections) {
    const collection = context.tracked.get(entry.uuid.toHexString(false));
    if (collection?.destinationUuid == null) continue;
    const existing = present.get(collection.destinationUuid.toHexString());
    if (existing === undefined) continue;
    await modifyOptions(context.fence, existing, entry.options);
    await carryFlags(context, entry, existing);
    if (differingFields(collection.options, entry.options).length === 0) continue;
    collection.options = entry.options;
    await context.checkpoint.saveCollection(collection.toRecord(context.checkpoint.migrationId));
  }
}
