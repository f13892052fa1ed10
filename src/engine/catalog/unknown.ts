import { isBuckets } from '../mongodb/namespaces.ts';
import type { IndexSpec } from './index-spec.ts';
import type { CatalogEntry } from './read-catalog.ts';

/**
 * The options and index fields that MongoDB 5.0 to 9.0 lists (server source: CollectionOptions::appendBSON, allowedFieldNames of
 * index_key_validate.h). Any other is refused by name: the engine can't know whether it changes the data that a server stores or
 * deletes (docs/adr/0035-unknown-things.md).
 */
const OPTIONS = new Set([
  'capped',
  'changeStreamPreAndPostImages',
  'clusteredIndex',
  'collation',
  'encryptedFields',
  'expireAfterSeconds',
  'idIndex',
  'indexOptionDefaults',
  'max',
  'pipeline',
  'recordPreImages',
  'size',
  'storageEngine',
  'timeseries',
  'validationAction',
  'validationLevel',
  'validator',
  'viewOn',
]);

const INDEX_FIELDS = new Set([
  '_id',
  '2dsphereIndexVersion',
  'background',
  'bits',
  'clustered',
  'coarsestIndexedLevel',
  'collation',
  'default_language',
  'expireAfterSeconds',
  'finestIndexedLevel',
  'hidden',
  'key',
  'language_override',
  'max',
  'min',
  'name',
  'originalSpec',
  'partialFilterExpression',
  'prepareUnique',
  'sparse',
  'storageEngine',
  'textIndexVersion',
  'unique',
  'v',
  'weights',
  'wildcardProjection',
]);

/** Returns why an entry is unknown to the engine; undefined when it is known. */
export function whyUnknown({ type, name, uuid, options }: Omit<CatalogEntry, 'database'>): string | undefined {
  const option = [...options.keys()].find((key) => !OPTIONS.has(key));
  if (option !== undefined) return `a namespace with the option ${option}, which Linkspan does not know`;
  if (type === 'view') return undefined;
  if (type === 'timeseries' && !isBuckets(name))
    return 'a time series without a collection of buckets, as MongoDB 9.0 stores it; between servers of 9.0, linkspan probe tries whether its buckets can be read';
  if (isBuckets(name) && !options.has('timeseries'))
    return "a collection that is no time series, but has the name of one's buckets";
  if (type !== 'collection' && type !== 'timeseries')
    return `a namespace of the kind ${type}, which Linkspan does not know`;
  return uuid === undefined ? 'a collection without a UUID' : undefined;
}

/** Returns why an index is unknown to the engine, in words that follow its name; undefined when it is known. */
export function whyUnknownIndex({ fields }: Pick<IndexSpec, 'fields'>): string | undefined {
  const field = [...fields.keys()].find((name) => !INDEX_FIELDS.has(name));
  return field === undefined ? undefined : `which has the field ${field}, which Linkspan does not know`;
}
