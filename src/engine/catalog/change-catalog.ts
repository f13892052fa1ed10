import { type Document, MongoServerError, type UUID } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { rawDocument } from '../bson/raw-document.ts';
import type { RawValue } from '../bson/raw-value.ts';
import type { Fence } from '../mongodb/fence.ts';
import { catalogName, isBuckets, STORED_FUNCTIONS } from '../mongodb/namespaces.ts';
import { deleteAll, type WriteTarget } from '../mongodb/raw-write.ts';
import { differingFields, documentOf, type Fields, fieldsOf } from './fields.ts';
import type { IndexSpec } from './index-spec.ts';
import type { CatalogEntry } from './read-catalog.ts';
import { withoutFlags, withoutRepeatedFlags } from './time-series-flags.ts';

/** Options that `collMod` can change on a collection. */
const MODIFIABLE = new Set([
  'validator',
  'validationLevel',
  'validationAction',
  'changeStreamPreAndPostImages',
  'timeseries',
  'size',
  'max',
]);

/** Values that remove an option that the source no longer has. */
const ABSENT: Readonly<Record<string, unknown>> = {
  validator: {},
  validationLevel: 'strict',
  validationAction: 'error',
  changeStreamPreAndPostImages: { enabled: false },
  max: 0,
};

/** Options with another name in `collMod`. */
const MODIFIED_AS: Readonly<Record<string, string>> = { size: 'cappedSize', max: 'cappedMax' };

const NAMESPACE_NOT_FOUND = 26;
const INDEX_NOT_FOUND = 27;

/**
 * Commands that bring a destination's catalog in sync. An earlier attempt may have done each one already. Commands on a
 * collection name its UUID, so that the server refuses them when another collection has taken the name
 * (docs/reference/pitfalls.md#pitfall-38).
 */

/**
 * Creates a collection, time series or view. Nothing expires in it until the cutover
 * (docs/reference/pitfalls.md#pitfall-12).
 * @param recorded  the writing of its record, which must be done before
 */
export async function createCollection(
  fence: Fence,
  database: string,
  name: string,
  options: Fields,
  recorded?: Promise<void>,
): Promise<void> {
  // A mark of a time series counts only where the destination's server has set it (time-series-flags.ts).
  // rule: create-without-marks
  const command = { create: catalogName(name), ...Object.fromEntries(withoutRepeatedFlags(withoutExpiry(options))) };
  await fence.change(database, command, recorded);
}

/**
 * Drops a collection or a view. Empties stored functions, which servers drop only with their database.
 * @param uuid  absent for a view. Servers accept none for a time series, which is dropped by name.
 */
export async function dropCollection(fence: Fence, database: string, name: string, uuid?: UUID): Promise<void> {
  // rule: empty-stored-functions
  if (name === STORED_FUNCTIONS) return await emptyStoredFunctions(fence, database, uuid);
  // rule: drop-by-uuid
  const command = { drop: catalogName(name), ...(isBuckets(name) ? {} : pinnedTo(uuid)) };
  await tolerate([NAMESPACE_NOT_FOUND], fence.change(database, command));
}

async function emptyStoredFunctions(fence: Fence, database: string, uuid: UUID | undefined): Promise<void> {
  const [error] = await deleteAll(fence, { database, name: STORED_FUNCTIONS, ...(uuid && { uuid }) });
  if (error !== undefined) throw new MongoServerError({ message: error.errmsg, code: error.code });
}

export async function renameCollection(fence: Fence, from: WriteTarget, to: string): Promise<void> {
  const { database, name, uuid } = from;
  const command = { renameCollection: `${database}.${name}`, to: `${database}.${to}`, ...pinnedTo(uuid) };
  await fence.change('admin', command);
}

/** Creates all missing indexes of a collection with one `createIndexes`: one scan. */
export async function createIndexes(
  fence: Fence,
  { database, name, uuid }: WriteTarget,
  specs: readonly IndexSpec[],
): Promise<void> {
  if (specs.length === 0) return;
  const indexes = specs.map(({ fields }) => rawDocument(documentOf(fields)));
  await fence.change(database, { createIndexes: catalogName(name), indexes, ...pinnedTo(uuid) });
}

/** Drops an index. @param index  its name, or those of all indexes of a build that is under way, which ends the build */
export async function dropIndex(
  fence: Fence,
  { database, name, uuid }: WriteTarget,
  index: string | readonly string[],
): Promise<void> {
  const command = { dropIndexes: catalogName(name), index, ...pinnedTo(uuid) };
  await tolerate([INDEX_NOT_FOUND], fence.change(database, command));
}

/**
 * Changes options of an index, or of the collection itself.
 * @param change  fields of `collMod`
 */
export async function modify(fence: Fence, { database, name, uuid }: WriteTarget, change: Document): Promise<void> {
  await fence.change(database, { collMod: catalogName(name), ...change, ...pinnedTo(uuid) });
}

/**
 * Gives a collection the source's options.
 * @throws UserError NAMESPACE_CONFLICT when they differ in an option that can't be changed after creation
 */
export async function modifyOptions(fence: Fence, existing: CatalogEntry, wanted: Fields): Promise<void> {
  const differing = differingFields(comparable(existing.options), comparable(wanted));
  if (differing.length === 0) return;
  const fixed = differing.filter((name) => !MODIFIABLE.has(name));
  if (fixed.length > 0) {
    throw new UserError('NAMESPACE_CONFLICT', [
      `${existing.database}.${existing.name}`,
      `its options ${fixed.join(', ')} differ between source and destination`,
    ]);
  }
  const options: Document = Object.fromEntries(differing.map((name) => changeOf(name, wanted.get(name))));
  const command = { collMod: catalogName(existing.name), ...options, ...pinnedTo(existing.uuid) };
  await fence.change(existing.database, command);
}

function pinnedTo(uuid: UUID | undefined): { readonly collectionUUID?: UUID } {
  return uuid === undefined ? {} : { collectionUUID: uuid };
}

function changeOf(name: string, value: RawValue | undefined): [name: string, value: unknown] {
  if (name === 'timeseries' && value !== undefined) return [name, bucketingOf(fieldsOf(value.bytes))];
  return [MODIFIED_AS[name] ?? name, value ?? ABSENT[name]];
}

/**
 * Returns the part of a time series' options that can change: its granularity or, since 6.3, the two spans in place of
 * one. Servers refuse both together, and take neither as no change (timeseries_options.cpp).
 */
function bucketingOf(options: Fields): Document {
  // rule: change-spans-of-buckets
  const names = options.has('granularity') ? ['granularity'] : ['bucketMaxSpanSeconds', 'bucketRoundingSeconds'];
  return Object.fromEntries(names.map((name) => [name, options.get(name)]));
}

/** The options that must be equal on both sides before the cutover. */
function comparable(options: Fields): Fields {
  return withoutFlags(withoutExpiry(options));
}

function withoutExpiry(options: Fields): Fields {
  return new Map([...options].filter(([name]) => name !== 'expireAfterSeconds'));
}

/** Awaits a command whose work may be done already, which servers report with one of these codes. */
export async function tolerate(codes: readonly number[], command: Promise<unknown>): Promise<void> {
  try {
    await command;
  } catch (error) {
    if (!codes.includes((error as { code?: number }).code ?? Number.NaN)) throw error;
  }
}
