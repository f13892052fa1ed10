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
 * Flags that a server sets on a time series whose buckets its query planner must not trust. Without the flag, queries
 * miss documents. The first is set when a server before 5.2 made the buckets. The second exists from 7.1 on and is set
 * when the granularity was changed (not tried: from the server's source). An unnecessary flag costs only speed, so the
 * engine never removes one.
 */
const FLAGS = ['timeseriesBucketsMayHaveMixedSchemaData', 'timeseriesBucketingParametersHaveChanged'] as const;

const NAMESPACE_NOT_FOUND = 26;
/** The server's code for an unknown field, also of `collMod`. */
const UNKNOWN_FIELD = 40415;

/**
 * Newer versions repeat the flags in the options, for servers that read only those. Creating a collection with these
 * options sets no flag (tried on 6.0.27).
 */
const IN_OPTIONS = /,?app_metadata=\([^()]*timeseriesBucket[^()]*\)/;

/** Returns the flags of a time series on the source; none for other collections, and none when it is gone. */
export async function raisedFlags(source: MongoClient, entry: CatalogEntry): Promise<readonly string[]> {
  if (!isBuckets(entry.name)) return [];
  const md = await readMetadata(source, entry);
  const config = String(md.options?.storageEngine?.wiredTiger?.configString ?? '');
  return FLAGS.filter((flag) => md[flag] === true || config.includes(`${flag}=true`));
}

/**
 * Sets on the destination the flags that a time series has on the source.
 * @throws UserError UNSUPPORTED_NAMESPACE when the destination's server can't
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

/** Returns why a time series with this flag can't be migrated to a server that can't set it. */
export function whyNotCarried(flag: string): string {
  return `a time series marked ${flag}, which the destination's server can't mark (6.0.27 can where 6.0.5 can't): queries there would miss documents`;
}

/** Whether a server can set the flag. It tries to change a collection that doesn't exist, so nothing changes. */
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

/** Returns the options without the flags that are repeated in them. */
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
