import type { Document, MongoClient } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { rawDocument } from '../bson/raw-document.ts';
import type { RawValue } from '../bson/raw-value.ts';
import { differingFields, documentOf, type Fields, fieldsOf } from './fields.ts';
import type { IndexSpec } from './index-spec.ts';
import { catalogName } from './namespaces.ts';
import type { CatalogEntry } from './read-catalog.ts';

/** Options that `collMod` can change on a collection, and on a view. */
const MODIFIABLE = new Set([
  'validator',
  'validationLevel',
  'validationAction',
  'changeStreamPreAndPostImages',
  'timeseries',
  'size',
  'max',
]);
const MODIFIABLE_VIEW = new Set(['viewOn', 'pipeline']);

/** What removes an option that the source no longer has. */
const ABSENT: Readonly<Record<string, unknown>> = {
  validator: {},
  validationLevel: 'strict',
  validationAction: 'error',
  changeStreamPreAndPostImages: { enabled: false },
  max: 0,
};

/** Options that `collMod` takes under another name. */
const MODIFIED_AS: Readonly<Record<string, string>> = { size: 'cappedSize', max: 'cappedMax' };

const NAMESPACE_NOT_FOUND = 26;
const INDEX_NOT_FOUND = 27;

/** Commands that bring a destination's catalog in step. Each may find its work done already, by an earlier try [39]. */

/** Makes a collection, time series or view. Nothing expires in it until the cutover [12]. */
export async function createCollection(
  client: MongoClient,
  database: string,
  name: string,
  options: Fields,
): Promise<void> {
  const command = { create: catalogName(name), ...Object.fromEntries(withoutExpiry(options)) };
  await client.db(database).command(command);
}

export async function dropCollection(client: MongoClient, database: string, name: string): Promise<void> {
  await tolerate([NAMESPACE_NOT_FOUND], client.db(database).command({ drop: catalogName(name) }));
}

export async function renameCollection(client: MongoClient, database: string, from: string, to: string): Promise<void> {
  await client.db('admin').command({ renameCollection: `${database}.${from}`, to: `${database}.${to}` });
}

/** One `createIndexes` for all of a collection's missing indexes: one scan. */
export async function createIndexes(
  client: MongoClient,
  database: string,
  name: string,
  specs: readonly IndexSpec[],
): Promise<void> {
  if (specs.length === 0) return;
  const indexes = specs.map(({ fields }) => rawDocument(documentOf(fields)));
  await client.db(database).command({ createIndexes: catalogName(name), indexes, writeConcern: { w: 'majority' } });
}

export async function dropIndex(client: MongoClient, database: string, name: string, index: string): Promise<void> {
  await tolerate([INDEX_NOT_FOUND], client.db(database).command({ dropIndexes: catalogName(name), index }));
}

/**
 * Makes a collection's or view's options those of the source.
 * @throws UserError NAMESPACE_CONFLICT when they differ in an option that can't be changed afterwards
 */
export async function modifyOptions(client: MongoClient, existing: CatalogEntry, wanted: Fields): Promise<void> {
  const differing = differingFields(withoutExpiry(existing.options), withoutExpiry(wanted));
  if (differing.length === 0) return;
  const modifiable = existing.type === 'view' ? MODIFIABLE_VIEW : MODIFIABLE;
  const fixed = differing.filter((name) => !modifiable.has(name));
  if (fixed.length > 0) {
    throw new UserError('NAMESPACE_CONFLICT', [
      `${existing.database}.${existing.name}`,
      `its options ${fixed.join(', ')} differ between source and destination`,
    ]);
  }
  // A view's definition is given whole.
  const changed = existing.type === 'view' ? [...MODIFIABLE_VIEW] : differing;
  const options: Document = Object.fromEntries(changed.map((name) => changeOf(name, wanted.get(name))));
  await client.db(existing.database).command({ collMod: catalogName(existing.name), ...options });
}

function changeOf(name: string, value: RawValue | undefined): [name: string, value: unknown] {
  // Of a time series only the granularity can be changed.
  if (name === 'timeseries' && value !== undefined)
    return [name, { granularity: fieldsOf(value.bytes).get('granularity') }];
  return [MODIFIED_AS[name] ?? name, value ?? ABSENT[name]];
}

function withoutExpiry(options: Fields): Fields {
  return new Map([...options].filter(([name]) => name !== 'expireAfterSeconds'));
}

async function tolerate(codes: readonly number[], command: Promise<unknown>): Promise<void> {
  try {
    await command;
  } catch (error) {
    if (!codes.includes((error as { code?: number }).code ?? Number.NaN)) throw error;
  }
}
