import { BSON, type Document, type MongoClient, MongoServerError } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { decode } from '../bson/decode.ts';
import { BSON_TYPE } from '../bson/elements.ts';
import { boolean, document, int32 } from '../bson/raw-document.ts';
import { RawValue } from '../bson/raw-value.ts';
import type { Fence } from '../mongodb/fence.ts';
import { catalogName, INTERNAL_DATABASE, isBuckets } from '../mongodb/namespaces.ts';
import { readAll } from '../mongodb/raw-cursor.ts';
import { usesRawData } from '../mongodb/raw-data.ts';
import { documentOf, type Fields, fieldsOf } from './fields.ts';
import type { CatalogEntry } from './read-catalog.ts';

/** Set when a server before 5.2 made the buckets: values of several types may be in one. */
const MIXED_SCHEMA = 'timeseriesBucketsMayHaveMixedSchemaData';

/**
 * A flag of 7.1 and newer. Where both spans of a time series are equal and the flag is false, the query planner relies on them:
 * buckets that were made before a change of the spans would be missed. Without the flag a server assumes a change (server
 * source, collection_impl.cpp and timeseries_options.cpp; not tried). Servers of 9.0 have its opposite, FIXED, instead.
 */
export const SPANS_CHANGED = 'timeseriesBucketingParametersHaveChanged';

/**
 * An option of time series since 9.0: whether the spans are those of their creation. A server that says nothing about it takes
 * `true` at the creation, and `false` with each change of the spans (jstests/core/timeseries, fixed_bucketing; not tried).
 */
const FIXED = 'fixedBucketing';

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
  const listed = decode(entry.options.get('timeseries')?.bytes ?? document());
  // Spans that were changed since the listing have an event of their own, which lists them again.
  // rule: flag-of-listed-spans
  const isListed = Number(listed[SPANS[0]]) === Number(metadata.options?.timeseries?.[SPANS[0]]);
  // rule: absent-flag-of-spans
  const isChanged = isListed && mayHaveFixedBuckets(entry.options) && stateOf(metadata, SPANS_CHANGED) !== false;
  return FLAGS.filter((flag) => (flag === SPANS_CHANGED ? isChanged : stateOf(metadata, flag) === true));
}

/**
 * Returns the options to create a time series with. On servers before 9.0 no command sets the flag about its spans. So a
 * time series that needs it begins with the shortest spans, and its server sets the flag when the engine changes them to
 * those of the source (server source, coll_mod.cpp; not tried).
 * @param entry  on the source
 */
export async function optionsToCreate(
  { source, destination }: { readonly source: MongoClient; readonly destination: MongoClient },
  entry: NamedOptions,
): Promise<Fields> {
  const { name, options } = entry;
  const timeSeries = options.get('timeseries');
  if (!isBuckets(name) || timeSeries === undefined) return options;
  const metadata = (await readMetadata(source, entry)) ?? {};
  const state = stateOf(metadata, SPANS_CHANGED);
  const created = fieldsOf(timeSeries.bytes);
  if (usesRawData(destination)) {
    // rule: create-with-fixed-bucketing
    created.set(FIXED, new RawValue(BSON_TYPE.boolean, boolean(state === false)));
  } else {
    // rule: create-with-shortest-spans
    if (!(state ?? mayHaveFixedBuckets(options))) return options;
    created.delete('granularity');
    for (const span of SPANS) created.set(span, new RawValue(BSON_TYPE.int32, int32(1)));
  }
  return new Map([...options, ['timeseries', new RawValue(timeSeries.type, documentOf(created))]]);
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
  const fixed: unknown = options?.timeseries?.[FIXED];
  // rule: flag-of-fixed-bucketing
  if (flag === SPANS_CHANGED && typeof fixed === 'boolean') return !fixed;
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

/** Returns the options without flags of time series, which a destination may have although its source has none. */
export function withoutFlags(options: Fields): Fields {
  const whole = withoutRepeatedFlags(options);
  const value = whole.get('timeseries');
  if (value === undefined) return whole;
  const timeSeries = fieldsOf(value.bytes);
  if (!timeSeries.delete(FIXED)) return whole;
  return new Map([...whole, ['timeseries', new RawValue(value.type, documentOf(timeSeries))]]);
}

/** Returns the options without the flags that are repeated in them. */
export function withoutRepeatedFlags(options: Fields): Fields {
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
