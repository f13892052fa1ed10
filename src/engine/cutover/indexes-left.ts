import { counted, UserError } from '../../platform/index.ts';
import { canBeWeakened, lostProperties } from '../catalog/lost-properties.ts';
import { listCollections } from '../catalog/read-catalog.ts';
import type { Migrated } from '../collections/context.ts';
import { Slots } from '../concurrency/slots.ts';
import type { Clusters, Pace, Telling } from '../records/context.ts';
import type { IndexesLeft } from '../records/records.ts';

const AT_A_TIME = 8;
const SHOWN = 10;

/**
 * Finds out which collections of the open destination have another uniqueness or expiry than the source had. Users may have
 * changed them on purpose, so this only reports them.
 * @returns null when there are none
 */
export async function findIndexesLeft(context: Clusters & Pace & Telling & Migrated): Promise<IndexesLeft | null> {
  const { destination, logger, retrier, tracked } = context;
  const slots = new Slots(AT_A_TIME);
  const concerned = [...tracked.values()].filter(
    ({ indexes, options }) => indexes.some(canBeWeakened) || options.has('expireAfterSeconds'),
  );
  const list = (database: string) => retrier.run('the destination', () => listCollections(destination, database));
  const databases = [...new Set(concerned.map(({ destinationDatabase }) => destinationDatabase))];
  const listed = await Promise.all(databases.map((database) => slots.run(() => list(database))));
  const entries = new Map(listed.flat().map((entry) => [entry.uuid?.toHexString(false), entry]));
  const lost = concerned.map(async (collection) => {
    const entry = collection.destinationUuid && entries.get(collection.destinationUuid.toHexString(false));
    if (!entry) return [];
    return await slots.run(() => retrier.run('the destination', () => lostProperties(destination, entry, collection)));
  });
  const found = (await Promise.all(lost)).flat();
  if (found.length === 0) return null;
  const more = found.length > SHOWN ? ` and ${found.length - SHOWN} more` : '';
  const left = { count: found.length, indexes: found.slice(0, SHOWN).join(', ') + more };
  logger.warn({ event: 'cutover.indexes_left', ...left }, indexesLeftWarning(left).message);
  return left;
}

/** Returns the warning that stays with the migration. */
export function indexesLeftWarning({ count, indexes }: IndexesLeft): UserError {
  return new UserError('INDEXES_LEFT', [counted(count, 'index or collection', 'indexes and collections'), indexes]);
}
