import type { MongoClient } from 'mongodb';
import type { MigrationState } from '../../contract/index.ts';
import { accountsThere } from '../accounts/compare-accounts.ts';
import { bufferOf } from '../bson/stored-bytes.ts';
import { fieldsOf } from '../catalog/fields.ts';
import { readIndexSpec } from '../catalog/index-spec.ts';
import { lostProperties } from '../catalog/lost-properties.ts';
import { type CatalogEntry, listCollections } from '../catalog/read-catalog.ts';
import { isAsMade } from '../collections/made-views.ts';
import { readAll } from '../mongodb/raw-cursor.ts';
import type { Checkpoint } from '../records/all-checkpoints.ts';
import type { MadeAccount } from '../records/made-accounts.ts';
import {
  type CollectionRecord,
  keepsFailback,
  type MigrationRecord,
  mayBlockSource,
  type ViewRecord,
} from '../records/records.ts';

/** The objects that a migration left on its destination, as found there. Names are the destination's. */
export interface Leftovers {
  readonly migrationId: string;
  readonly state: MigrationState;
  /** The migration that has taken the destination. It decides about this one's data and about the block. */
  readonly retiredBy?: string;
  readonly error?: string;
  readonly collections: readonly CatalogEntry[];
  readonly views: readonly CatalogEntry[];
  /** For example `shop.orders: email_1 (unique)`: indexes of the source that the destination doesn't enforce. */
  readonly weakenedIndexes: readonly string[];
  readonly users: readonly MadeAccount[];
  readonly roles: readonly MadeAccount[];
  /** Whether the migration has blocked users' writes there and not yet lifted the block. */
  readonly blocked: boolean;
  /**
   * Whether an unfinished cutover may have left the source blocked. Once the migration's records are gone, no engine
   * opens it.
   */
  readonly sourceBlocked: boolean;
  /** Whether a failback needs the migration's records, so that a cleanup is refused. */
  readonly failbackOpen: boolean;
}

/** Finds which recorded objects exist. Changes nothing. */
export async function findLeftovers(destination: MongoClient, checkpoint: Checkpoint): Promise<Leftovers> {
  const { migration, accounts, ofOthers } = checkpoint;
  const { retiredBy } = migration;
  const databases = new Set(checkpoint.collections.map(({ destinationDatabase }) => destinationDatabase));
  for (const { to } of checkpoint.views) databases.add(to);
  const present = (await Promise.all([...databases].map((name) => listCollections(destination, name)))).flat();
  const byUuid = new Map(present.map((entry) => [entry.uuid?.toHexString(false), entry]));
  const collections: CatalogEntry[] = [];
  const weakenedIndexes: string[] = [];
  const owned = new Set(checkpoint.collections.map(({ destinationUuid }) => destinationUuid?.toHexString(false)));
  for (const record of checkpoint.collections) {
    const entry =
      record.destinationUuid === null
        ? await unfinished(destination, present, record, owned)
        : byUuid.get(record.destinationUuid.toHexString(false));
    if (entry === undefined) continue;
    collections.push(entry);
    weakenedIndexes.push(...(await lostProperties(destination, entry, originalOf(record))));
  }
  const isNamed =
    ({ database, name }: CatalogEntry) =>
    (record: ViewRecord) =>
      record._id.n === name && record.to === database;
  const views = present.filter(
    (entry) =>
      checkpoint.views.some((record) => isNamed(entry)(record) && isAsMade(entry, record)) &&
      !ofOthers.views.some(isNamed(entry)),
  );
  // The destination of a reversed migration was its source: its data isn't left over, and its block keeps users on the other side.
  const isReversed = (migration.reversals ?? 0) > 0;
  const accountsLeft = isReversed ? [] : await accountsThere(destination, accounts, ofOthers.accounts);
  return {
    migrationId: migration._id,
    state: migration.state,
    ...(retiredBy === undefined ? {} : { retiredBy }),
    ...errorOf(migration),
    collections: isReversed ? [] : collections,
    views: isReversed ? [] : views,
    weakenedIndexes,
    users: accountsLeft.filter(({ _id }) => _id.kind === 'user'),
    roles: accountsLeft.filter(({ _id }) => _id.kind === 'role'),
    blocked:
      // rule: leave-owners-block
      retiredBy === undefined &&
      // rule: cleanup-keeps-old-block
      !isReversed &&
      (migration.blocksDestination ?? false) &&
      migration.cutover?.canWriteAtMs === undefined,
    sourceBlocked: mayBlockSource(migration),
    failbackOpen: retiredBy === undefined && keepsFailback(migration),
  };
}

/** A migration that is cancelled after it has failed keeps its failure on record. */
function errorOf({ state, error }: MigrationRecord): { readonly error?: string } {
  // rule: hide-old-failure
  return state === 'FAILED' && error !== undefined ? { error: `${error.message} [${error.code}]` } : {};
}

/**
 * Finds a collection whose creation was interrupted. Nothing is written before its UUID is on record, so one with
 * documents belongs to another client.
 */
async function unfinished(
  destination: MongoClient,
  present: readonly CatalogEntry[],
  { destinationDatabase, destinationName }: CollectionRecord,
  owned: ReadonlySet<string | undefined>,
): Promise<CatalogEntry | undefined> {
  const entry = present.find(
    ({ database, name, uuid }) =>
      database === destinationDatabase && name === destinationName && !owned.has(uuid?.toHexString(false)),
  );
  if (entry?.uuid === undefined) return undefined;
  const { database, name, uuid: collectionUUID } = entry;
  const command = { find: name, limit: 1, projection: { _id: 1 }, collectionUUID };
  return (await readAll(destination, database, command)).length === 0 ? entry : undefined;
}

function originalOf({ options, indexes }: CollectionRecord): Parameters<typeof lostProperties>[2] {
  const specs = indexes.map((spec) => readIndexSpec(bufferOf(spec))).filter((spec) => spec !== undefined);
  return { options: fieldsOf(bufferOf(options)), indexes: specs };
}
