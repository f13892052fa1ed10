import { BSON, type Document, type MongoClient, MongoServerError } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { decode } from '../bson/decode.ts';
import { BSON_TYPE } from '../bson/elements.ts';
import { document, int32 } from '../bson/raw-document.ts';
import { RawValue } from '../bson/raw-value.ts';
import type { Fence } from '../mongodb/fence.ts';
import { catalogName, INTERNAL_DATABASE, isBuckets } from '../mongodb/namespaces.ts';
import { readAll } from '../mongodb/raw-cursor.ts';
import { documentOf, type Fields, fieldsOf } from './fields.ts';
import type { CatalogEntry } from './read-catalog.ts';

/** Set when a server before 5.2 made the buckets: values of several types may be in one. */
const MIXED_SCHEMA = 'timeseriesBucketsMayHaveMixedSchemaData';

/**
 * A flag of 7.1 and newer. Where both spans of a time series are equal and the flag is false, the query planner relies on them:
 * buckets that were made before a change of the spans would be missed. Without the flag a server assumes a change (server
 * source, collection_impl.cpp and timeseries_options.cpp; not tried).
 */
export const SPANS_CHANGED = 'timeseriesBucketingParametersHaveChanged';

/**
 * Flags of a time series whose buckets the query planner of a server must not trust. Without the flag, queries miss
 * documents. An unnecessary flag costs only speed, so the engine never removes one.
 */
const FLAGS = [MIXED_SCHEMA, SPANS_CHANGED] as const;

/** The spans that a user can set in place of a granularity. */
const SPANS = ['bucketMaxSpanSeconds', 'bucketRoundingSeconds'] as const;

type NamedOptions = Pick<CatalogEntry, 'database' | 'name' | 'options'>;

const NAMESPACE_NOT_FOUND = 26;
/** The server's code for an unknown field, also of `collMod`. */
const UNKNOWN_FIELD = 40415;

/**
 * Newer versions repeat the flags in the options, for servers that read only those. Creating a collection with these
 * options sets no flag (tried on 6.0.27).
 */
const IN_OPTIONS = /,?app_metadata=\([^()]*timeseriesBucket[^()]*\)/;

/** Returns the flags of a time series; none for other collections, and none when it is gone. */
export async function raisedFlags(client: MongoClient, entry: NamedOptions): Promise<readonly string[]> {
  if (!isBuckets(entry.name)) return [];
  const metadata = await readMetadata(client, entry);
  if (metadata === undefined) return [];
  // rule: absent-flag-of-spans
  const isChanged = mayHaveFixedBuckets(entry.options) && stateOf(metadata, SPANS_CHANGED) !== false;
  return FLAGS.filter((flag) => (flag === SPANS_CHANGED ? isChanged : stateOf(metadata, flag) === true));
}

/**
 * Returns the options to create a time series with. No command sets the flag about its spans. So a time series that needs
 * it begins with the shortest spans, and its server sets the flag when the engine changes them to those of the source
 * (server source, coll_mod.cpp; not tried).
 * @param entry  on the source
 */
export async function optionsToCreate(source: MongoClient, entry: NamedOptions): Promise<Fields> {
  const { name, options } = entry;
  if (!isBuckets(name)) return options;
  const metadata = (await readMetadata(source, entry)) ?? {};
  const state = stateOf(metadata, SPANS_CHANGED);
  const timeSeries = options.get('timeseries');
  // rule: create-with-shortest-spans
  if (timeSeries === undefined || !(state ?? mayHaveFixedBuckets(options))) return options;
  const shortest = fieldsOf(timeSeries.bytes);
  shortest.delete('granularity');
  for (const span of SPANS) shortest.set(span, new RawValue(BSON_TYPE.int32, int32(1)));
  return new Map([...options, ['timeseries', new RawValue(timeSeries.type, documentOf(shortest))]]);
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
    isReversed,
  }: {
    readonly source: MongoClient;
    readonly destination: MongoClient;
    readonly fence: Fence;
    readonly isReversed: boolean;
  },
  entry: CatalogEntry,
  existing: CatalogEntry,
): Promise<void> {
  // A former source has set the flag about its spans with each change that it followed or made itself.
  // rule: spans-of-former-source
  const wanted = (await raisedFlags(source, entry)).filter((flag) => !(isReversed && flag === SPANS_CHANGED));
  if (wanted.length === 0) return;
  const present = await raisedFlags(destination, { ...existing, options: entry.options });
  for (const flag of wanted.filter((one) => !present.includes(one))) {
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
  const able = flag === MIXED_SCHEMA ? " (6.0.27 can where 6.0.5 can't)" : '';
  return `a time series marked ${flag}, which the destination's server can't mark${able}: queries there would miss documents`;
}

/** Whether a server can set the flag. It tries to change a collection that doesn't exist, so nothing changes. */
export async function canRaise(client: MongoClient, flag: string): Promise<boolean> {
  // Only the server's catalog shows it, once the engine has created the time series.
  if (flag === SPANS_CHANGED) return true;
  try {
    await client.db(INTERNAL_DATABASE).command({ collMod: 'none', [flag]: true });
  } catch (error) {
    if (isUnknown(error)) return false;
    if (!(error instanceof MongoServerError) || error.code !== NAMESPACE_NOT_FOUND) throw error;
  }
  return true;
}

/** Returns the metadata of a collection's catalog entry; undefined when it is gone. */
async function readMetadata(client: MongoClient, { database, name }: NamedOptions): Promise<Document | undefined> {
  const [bytes] = await readAll(client, database, { aggregate: name, pipeline: [{ $listCatalog: {} }], cursor: {} });
  return bytes === undefined ? undefined : decode(bytes).md;
}

/** Returns the flag's value; undefined when the server has none. From 8.2 on one of them is in the options alone. */
function stateOf({ options, ...metadata }: Document, flag: string): boolean | undefined {
  const config = String(options?.storageEngine?.wiredTiger?.configString ?? '');
  if (metadata[flag] === true || config.includes(`${flag}=true`)) return true;
  return metadata[flag] === false || config.includes(`${flag}=false`) ? false : undefined;
}

/**
 * Whether a server can rely on the spans of buckets: both were set, to the same value, in place of a granularity (since
 * 6.3). Spans only grow, so those of a second were never changed.
 */
function mayHaveFixedBuckets(options: Fields): boolean {
  const { bucketMaxSpanSeconds, bucketRoundingSeconds } = decode(options.get('timeseries')?.bytes ?? document());
  return Number(bucketRoundingSeconds) > 1 && Number(bucketMaxSpanSeconds) === Number(bucketRoundingSeconds);
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
