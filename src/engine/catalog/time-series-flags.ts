import { BSON, type Document, type MongoClient, MongoServerError } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { decode } from '../bson/decode.ts';
import { RawValue } from '../bson/raw-value.ts';
import type { Fence } from '../mongodb/fence.ts';
import { catalogName, INTERNAL_DATABASE, isBuckets } from '../mongodb/namespaces.ts';
import { readAll } from '../mongodb/raw-cursor.ts';
import type { Fields } from './fields.ts';
import type { CatalogEntry } from './read-catalog.ts';

/**
 * What a server notes of a time series whose buckets its query planner must not trust. Without the mark queries miss documents. The first is
 * raised when a server before 5.2 made the buckets; the second, of 7.1 and newer, when the granularity was changed (not tried: as the source
 * text of the server says). A mark that is there without need costs only speed, so none is ever taken away.
 */
const FLAGS = ['timeseriesBucketsMayHaveMixedSchemaData', 'timeseriesBucketingParametersHaveChanged'] as const;

const NAMESPACE_NOT_FOUND = 26;
/** Also what a server says of a field of `collMod` that it does not know. */
const UNKNOWN_FIELD = 40415;

/** Later versions repeat flags in the options, for servers that know only those. A collection that is made with them has no flag (tried on 6.0.27). */
const IN_OPTIONS = /,?app_metadata=\([^()]*timeseriesBucket[^()]*\)/;

/** Flags of a time series of the source; none of any other collection, and of one that is gone. */
export async function raisedFlags(source: MongoClient, entry: CatalogEntry): Promise<readonly string[]> {
  if (!isBuckets(entry.name)) return [];
  const md = await readMetadata(source, entry);
  const config = String(md.options?.storageEngine?.wiredTiger?.configString ?? '');
  return FLAGS.filter((flag) => md[flag] === true || config.includes(`${flag}=true`));
}

/**
 * Raises the flags of a time series on the destination that are raised on the source.
 * @throws UserError UNSUPPORTED_NAMESPACE where the destination's server can't
 */
export async function carryFlags(
  {
    source,
    destination,
    fence,
  }: { readonly source: MongoClient; readonly destination: MongoClient; readonly fence: Fence },
  entry: CatalogEntry,
  existing: CatalogEntry,
): Promise<void> {
  const wanted = await raisedFlags(source, entry);
  if (wanted.length === 0) return;
  const present = await readMetadata(destination, existing);
  for (const flag of wanted.filter((one) => present[one] !== true)) {
    const command = { collMod: catalogName(existing.name), [flag]: true, collectionUUID: existing.uuid };
    try {
      await fence.change(existing.database, command);
    } catch (error) {
      if (!isUnknown(error)) throw error;
      throw new UserError('UNSUPPORTED_NAMESPACE', [
        `${entry.database}.${catalogName(entry.name)}`,
        whyNotCarried(flag),
      ]);
    }
  }
}

/** Why a time series with this flag can't be migrated to a server that can't raise it. */
export function whyNotCarried(flag: string): string {
  return `a time series marked ${flag}, which the destination's server can't mark (6.0.27 can where 6.0.5 can't): queries there would miss documents`;
}

/** Whether a server can raise the flag. Asks for a change of a collection that does not exist, so nothing is changed. */
export async function canRaise(client: MongoClient, flag: string): Promise<boolean> {
  try {
    await client.db(INTERNAL_DATABASE).command({ collMod: 'none', [flag]: true });
  } catch (error) {
    if (isUnknown(error)) return false;
    if (!(error instanceof MongoServerError) || error.code !== NAMESPACE_NOT_FOUND) throw error;
  }
  return true;
}

async function readMetadata(client: MongoClient, { database, name }: CatalogEntry): Promise<Document> {
  const [bytes] = await readAll(client, database, { aggregate: name, pipeline: [{ $listCatalog: {} }], cursor: {} });
  return bytes === undefined ? {} : (decode(bytes).md ?? {});
}

/** Options without flags that are repeated in them. */
export function withoutFlags(options: Fields): Fields {
  const value = options.get('storageEngine');
  if (value === undefined) return options;
  const whole = decode(value.bytes);
  const config: unknown = whole.wiredTiger?.configString;
  if (typeof config !== 'string' || !IN_OPTIONS.test(config)) return options;
  const rest = config.replace(IN_OPTIONS, '').replace(/^,/, '');
  const changed = new Map(options);
  if (rest === '') changed.delete('storageEngine');
  else changed.set('storageEngine', new RawValue(value.type, withConfig(whole, rest)));
  return changed;
}

function withConfig(storageEngine: Document, configString: string): Buffer {
  return Buffer.from(BSON.serialize({ ...storageEngine, wiredTiger: { ...storageEngine.wiredTiger, configString } }));
}

function isUnknown(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === UNKNOWN_FIELD;
}
