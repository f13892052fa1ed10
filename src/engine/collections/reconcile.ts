import { MongoServerError, type UUID } from 'mongodb';
import { failpoint, messageOf, UserError } from '../../platform/index.ts';
import { createCollection, dropCollection, modifyOptions, renameCollection } from '../catalog/change-catalog.ts';
import { differingFields } from '../catalog/fields.ts';
import { isNameTaken, nameTaken } from '../catalog/name-taken.ts';
import {
  type CatalogEntry,
  databaseExists,
  isEmptyDatabase,
  listCollections,
  listUserDatabases,
} from '../catalog/read-catalog.ts';
import { carryFlags, optionsToCreate } from '../catalog/time-series-flags.ts';
import { allEnded } from '../concurrency/all-ended.ts';
import { Slots } from '../concurrency/slots.ts';
import { classify, NotNow, untilKnown } from '../mongodb/failure-policy.ts';
import { catalogName, STORED_FUNCTIONS } from '../mongodb/namespaces.ts';
import { readAll } from '../mongodb/raw-cursor.ts';
import { historyOf } from '../mongodb/seen-history.ts';
import { confirmSource } from '../records/confirm-clusters.ts';
import type { Clusters, Pace, Records, Telling } from '../records/context.ts';
import type { Migrated, RunContext } from './context.ts';
import { declareRestart } from './declare-restart.ts';
import { dropGoneViews, makeViews } from './reconcile-views.ts';
import { TrackedCollection } from './tracked-collection.ts';
import { knownDatabases, type PlacedCollection, readAllWanted, type Wanted, withNamesakes } from './wanted-catalog.ts';

/** Collections are created and dropped in parallel: each costs round trips and a commit, and there may be thousands. */
const AT_A_TIME = 16;
const DATABASE_DIFFERS_BY_CASE = 13_297;

/**
 * Makes the destination's catalog equal to the source's current one: drops, renames, creates and modifies collections and views, but no
 * documents. It compares states instead of replaying events, so it may run at any time, run again, and be ahead of the stream
 * (docs/reference/pitfalls.md#pitfall-39).
 *
 * Invariant: at most one call runs at a time.
 */
export async function reconcileCatalog(context: RunContext, databases: Iterable<string>): Promise<void> {
  const retry = async (work: () => Promise<void>) => await context.retrier.run('the catalogs of both clusters', work);
  await failpoint('engine.catalog.comparison-begun');
  const all = withNamesakes(context, new Set(databases));
  const listed = await context.retrier.run('the catalogs of both clusters', () =>
    untilKnown(() => readAllWanted(context, all)),
  );
  // Must come after the last listing, so that the engine never acts on a listing of another cluster.
  // rule: confirm-source-of-catalog
  await confirmSource(context);
  // Nor on one of a source that went back: data that it lost may be on the destination only.
  // rule: catalog-of-confirmed-history
  if (context.isReversed) await context.retrier.run('the source', () => historyOf(context.source).confirm());
  const dropped = await judgeGone(context, listed);
  // All drops come first: a new database may differ only by case from a dropped one.
  // rule: drops-before-creates
  for (const wanted of listed) await retry(() => dropFrom(context, wanted, dropped));
  for (const wanted of listed) await retry(() => makeIn(context, wanted));
}

/** Source names of all databases to compare: those on the source, those the engine knows, and those left on the destination. */
export async function databasesOf(context: Clusters & Pace & Migrated): Promise<Set<string>> {
  const { retrier, source, destination, keepsDestination, namespaces } = context;
  const [there, here] = await retrier.run('the catalogs of both clusters', () =>
    Promise.all([listUserDatabases(source), keepsDestination ? [] : listUserDatabases(destination)]),
  );
  return new Set([...there, ...here.map((name) => namespaces.sourceOf(name)), ...knownDatabases(context)]);
}

/** Drops only the collections, views and databases that the migration made. */
export async function dropMade(context: RunContext): Promise<void> {
  for (const database of new Set(knownDatabases(context))) {
    await context.retrier.run('the destination', async () => {
      await adoptUnfinished(context, database);
      await dropGone(context, database, new Set(context.tracked.values()));
      await dropGoneViews(context, database, []);
      await dropEmptied(context, database);
    });
  }
}

/** Returns the collections that the source no longer has, without those whose drops are held. */
async function judgeGone(
  context: Clusters & Records & Pace & Migrated,
  listed: readonly Wanted[],
): Promise<ReadonlySet<TrackedCollection>> {
  const databases = new Set(listed.map(({ database }) => database));
  const alive = new Set(listed.flatMap(({ collections }) => collections.map(({ uuid }) => uuid.toHexString(false))));
  const gone = [...context.tracked.values()].filter((one) => databases.has(one.sourceDatabase) && !alive.has(one.id));
  const present = listed.flatMap(({ collections, views }) => [...collections, ...views]);
  const names = new Set(present.map(placeOf));
  // One that has moved on the source since is still at its earlier place on the destination, which another may need.
  const needed = new Set(
    present.map(({ database, destinationName: name }) => placeOf({ database, name: catalogName(name) })),
  );
  // rule: drop-when-place-needed
  const isThereAgain = ({ sourceDatabase: database, sourceName: name, destinationName }: TrackedCollection) =>
    names.has(placeOf({ database, name })) || needed.has(placeOf({ database, name: catalogName(destinationName) }));
  return new Set(await context.drops.judge(context, databases, gone, isThereAgain));
}

function placeOf({ database, name }: Pick<CatalogEntry, 'database' | 'name'>): string {
  return `${database.toLowerCase()}.${name}`;
}

async function dropFrom(
  context: Clusters & Records & Telling & Migrated,
  { database, isGone, views }: Wanted,
  dropped: ReadonlySet<TrackedCollection>,
): Promise<void> {
  await adoptUnfinished(context, database);
  await dropGone(context, database, dropped);
  await dropGoneViews(context, database, views);
  if (isGone) await dropEmptied(context, database);
}

async function makeIn(context: Clusters & Records & Migrated, { database, collections, views }: Wanted): Promise<void> {
  const to = context.namespaces.database(database);
  await adoptUnfinished(context, database); // An earlier attempt may have created some.
  await renameMoved(context, database, collections);
  const listed = await createNew(context, database, collections);
  await modifyChanged(context, collections, listed ?? (await listCollections(context.destination, to)));
  await makeViews(context, database, views);
}

/** Drops a database without collections: it remains when its last view is dropped. A database of a kept destination stays. */
async function dropEmptied(context: Clusters & Migrated, database: string): Promise<void> {
  const { destination, fence, keepsDestination, namespaces } = context;
  const emptied = namespaces.database(database);
  if (keepsDestination || !(await isEmptyDatabase(destination, emptied))) return;
  if (await databaseExists(destination, emptied)) await fence.change(emptied, { dropDatabase: 1 });
}

/**
 * Adopts collections whose UUID is not on record yet, because an engine was killed or a request failed while it created them. The engine writes no
 * document before the UUID is on record. So a collection with documents belongs to another client, as does one that another migration has on
 * record or may be creating.
 * @param created  ids of collections that the server has just created for this migration
 * @returns the collections that the database had; undefined when nothing had to be adopted
 */
async function adoptUnfinished(
  context: Clusters & Records & Migrated,
  database: string,
  created: ReadonlySet<string> = new Set(),
): Promise<readonly CatalogEntry[] | undefined> {
  const unfinished = [...context.tracked.values()].filter(
    (one) => one.sourceDatabase === database && one.destinationUuid === null,
  );
  if (unfinished.length === 0) return undefined;
  const owned = new Set(
    [...context.tracked.values()].map(({ destinationUuid }) => destinationUuid?.toHexString(false)),
  );
  const to = context.namespaces.database(database);
  const present = await listCollections(context.destination, to);
  const ofOthers = context.keepsDestination ? await context.checkpoint.unretried.collectionsOfOthers(to) : [];
  const adopted: TrackedCollection[] = [];
  await forEach(unfinished, async (collection) => {
    const entry = present.find(
      ({ name, uuid }) => name === collection.destinationName && !owned.has(uuid?.toHexString(false)),
    );
    const isOfOthers = ofOthers.some(({ name, uuid }) =>
      uuid === null
        ? name === entry?.name && !created.has(collection.id)
        : uuid.toHexString(false) === entry?.uuid?.toHexString(false),
    );
    // rule: foreign-or-unfinished-collection
    const isTaken = entry?.uuid === undefined || isOfOthers || (await hasDocuments(context, entry, entry.uuid));
    // Two on record may have one name, and the other one may have been given it during the read.
    // rule: one-record-per-collection
    if (isTaken || owned.has(entry.uuid.toHexString(false))) {
      context.tracked.delete(collection.id);
      // rule: remove-record-of-unmade
      await context.checkpoint.removeCollection(collection.uuid); // A successor would take it for one that is about to be made.
      return;
    }
    owned.add(entry.uuid.toHexString(false));
    collection.destinationUuid = entry.uuid;
    collection.advance({ kind: 'created' });
    adopted.push(collection);
  });
  await saveAll(context, adopted);
  return present;
}

async function hasDocuments(
  { destination, fence }: Clusters,
  { database, name }: CatalogEntry,
  collectionUUID: UUID,
): Promise<boolean> {
  const command = { find: name, limit: 1, projection: { _id: 1 }, collectionUUID };
  return (await readAll(destination, database, { ...command, readConcern: fence.afterOwnWrites })).length > 0;
}

async function dropGone(
  context: Clusters & Records & Telling & Migrated,
  database: string,
  dropped: ReadonlySet<TrackedCollection>,
): Promise<void> {
  const gone = [...dropped].filter(({ sourceDatabase }) => sourceDatabase === database);
  if (gone.length === 0) return;
  const listed = await listCollections(context.destination, context.namespaces.database(database));
  const present = new Map(listed.map((entry) => [entry.uuid?.toHexString(false), entry]));
  await forEach(gone, async (collection) => {
    if (!context.tracked.has(collection.id)) return;
    collection.advance({ kind: 'dropped' });
    const entry = collection.destinationUuid && present.get(collection.destinationUuid.toHexString(false));
    if (entry) await dropCollection(context.fence, entry.database, entry.name, entry.uuid);
    // No `await` between these lines: readers must see the lower counts and their reason together.
    context.tracked.delete(collection.id);
    await declareRestart(context, collection);
    // Has its own retry, because another comparison of the catalogs would no longer find the collection.
    // rule: retry-record-removal
    await context.checkpoint.removeCollection(collection.uuid);
  });
}

/** Renames collections. Renames may swap names or form a ring, so a collection in the way first gets a temporary name. */
async function renameMoved(
  context: Clusters & Records & Migrated,
  database: string,
  collections: readonly PlacedCollection[],
): Promise<void> {
  if (!collections.some(({ uuid }) => context.tracked.has(uuid.toHexString(false)))) return;
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
    await context.checkpoint.unretried.saveCollection(collection.toRecord(context.checkpoint.migrationId));
  };
  for (const { name, destinationName, uuid } of collections) {
    const collection = context.tracked.get(uuid.toHexString(false));
    if (collection === undefined) continue;
    collection.sourceName = name;
    const at = places.get(collection);
    if (at === undefined || at === destinationName) continue;
    const inTheWay = located.get(destinationName);
    if (inTheWay !== undefined) await move(inTheWay, destinationName, `linkspan.moving.${inTheWay.id}`);
    await failpoint('engine.catalog.stepped-aside');
    await move(collection, at, destinationName);
  }
}

/** @returns the collections that the database has then; undefined when nothing is new */
async function createNew(
  context: Clusters & Records & Migrated,
  database: string,
  collections: readonly PlacedCollection[],
): Promise<readonly CatalogEntry[] | undefined> {
  const created = collections.filter(({ uuid }) => !context.tracked.has(uuid.toHexString(false)));
  if (created.length === 0) return undefined;
  const { destination, namespaces, documentFilters } = context;
  const to = namespaces.database(database);
  // Stored functions that an earlier drop emptied are adopted.
  // rule: adopt-emptied-functions
  const listed = (await listCollections(destination, to)).filter(({ name }) => name !== STORED_FUNCTIONS);
  const taken = new Set(listed.map(({ name }) => catalogName(name)));
  const conflict = created.find(({ destinationName }) => taken.has(catalogName(destinationName)));
  if (conflict !== undefined) throw nameTaken(to, conflict.destinationName);
  // They must be on record before they exist: a successor adopts the collections that a killed engine has created.
  const made = created.map((entry) => {
    const collection = new TrackedCollection(entry, { database: to, name: entry.destinationName });
    collection.filter = documentFilters.of(database, entry.name) ?? null;
    return collection;
  });
  const recorded = saveAll(context, made).then(() => {
    for (const collection of made) context.tracked.set(collection.id, collection);
  });
  const surelyMade = new Set<string>();
  const creating = forEach(made, async (collection) => {
    if (await create(context, collection, recorded)) surelyMade.add(collection.id);
    await failpoint('engine.catalog.created');
  });
  await allEnded([recorded, creating]);
  const present = await adoptUnfinished(context, database, surelyMade);
  const lost = made.find(({ id }) => !context.tracked.has(id));
  if (lost !== undefined) throw nameTaken(to, lost.destinationName);
  return present;
}

/**
 * Drops an empty database whose name differs from the refused one only by case. A server refuses such names until the other database is
 * dropped, even when it has no collection left.
 * @returns false when that is not the cause, or the other database is not empty
 */
async function forgetEmptyNamesake(context: Clusters, error: unknown): Promise<boolean> {
  const { destination, fence, keepsDestination } = context;
  if (keepsDestination || !(error instanceof MongoServerError) || error.code !== DATABASE_DIFFERS_BY_CASE) return false;
  const [, namesake] = /already have: \[([^\]]+)\]/.exec(error.message) ?? [];
  if (namesake === undefined || !(await isEmptyDatabase(destination, namesake))) return false;
  await fence.change(namesake, { dropDatabase: 1 });
  return true;
}

/** @returns false when something already has the name */
async function create(context: Clusters, collection: TrackedCollection, recorded: Promise<void>): Promise<boolean> {
  const { sourceDatabase: database, sourceName: name, destinationDatabase, destinationName } = collection;
  try {
    const options = await optionsToCreate(context, { database, name, options: collection.options });
    await createCollection(context.fence, destinationDatabase, destinationName, options, recorded);
    return true;
  } catch (error) {
    // An earlier attempt whose answer was lost, or another client was faster: adopting it finds out.
    if (isNameTaken(error)) return false;
    if (classify(error) === 'transient') throw error;
    // rule: drop-case-namesake
    if (await forgetEmptyNamesake(context, error)) throw new NotNow('a database had its name in other letters');
    const reason = `it can't be made on the destination: ${messageOf(error)}`;
    throw new UserError('NAMESPACE_CONFLICT', [`${destinationDatabase}.${destinationName}`, reason], { cause: error });
  }
}

/** Runs `work` for several items at a time. @throws the first failure, after all have ended */
async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const slots = new Slots(AT_A_TIME);
  await allEnded(items.map((item) => slots.run(() => work(item))));
}

async function saveAll(context: Records, collections: readonly TrackedCollection[]): Promise<void> {
  const { checkpoint } = context;
  await checkpoint.unretried.saveCollections(
    collections.map((collection) => collection.toRecord(checkpoint.migrationId)),
  );
}

async function modifyChanged(
  context: Clusters & Records & Migrated,
  collections: readonly PlacedCollection[],
  listed: readonly CatalogEntry[],
): Promise<void> {
  const present = new Map(listed.map((entry) => [entry.uuid?.toHexString(), entry]));
  for (const entry of collections) {
    const collection = context.tracked.get(entry.uuid.toHexString(false));
    if (collection?.destinationUuid == null) continue;
    const existing = present.get(collection.destinationUuid.toHexString());
    if (existing === undefined) continue;
    await modifyOptions(context.fence, existing, entry.options);
    // rule: carry-time-series-flags
    await carryFlags(context, entry, existing);
    if (differingFields(collection.options, entry.options).length === 0) continue;
    collection.options = entry.options;
    await context.checkpoint.unretried.saveCollection(collection.toRecord(context.checkpoint.migrationId));
  }
}
