import type { Document, MongoClient } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { rawDocument } from '../bson/raw-document.ts';
import { differingFields, documentOf, type Fields } from './fields.ts';
import type { IndexSpec } from './index-spec.ts';
import type { CatalogEntry } from './read-catalog.ts';

/** Options that `collMod` can change on a collection, and on a view. */
const MODIFIABLE = new Set([
  'validator',
  'validationLevel',
  'validationAction',
  'changeStreamPreAndPostImages',
  'expireAfterSeconds',
]);
const MODIFIABLE_VIEW = new Set(['viewOn', 'pipeline']);

/** What removes an option that the source no longer has. */
const ABSENT: Readonly<Record<string, unknown>> = {
  validator: {},
  validationLevel: 'strict',
  validationAction: 'error',
  changeStreamPreAndPostImages: { enabled: false },
  expireAfterSeconds: 'off',
};

const NAMESPACE_NOT_FOUND = 26;
const INDEX_NOT_FOUND = 27;

/** Commands that bring a destination's catalog in step. Each may find its work done already, by an earlier try [39]. */

export async function createCollection(
  client: MongoClient,
  database: string,
  name: string,
  options: Fields,
): Promise<void> {
  await client.db(database).command({ create: name, ...Object.fromEntries(options) });
}

export async function dropCollection(client: MongoClient, database: string, name: string): Promise<void> {
  await tolerate([NAMESPACE_NOT_FOUND], client.db(database).command({ drop: name }));
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
  await client.db(database).command({ createIndexes: name, indexes, writeConcern: { w: 'majority' } });
}

export async function dropIndex(client: MongoClient, database: string, name: string, index: string): Promise<void> {
  await tolerate([INDEX_NOT_FOUND], client.db(database).command({ dropIndexes: name, index }));
}

/**
 * Makes a collection's or view's options those of the source.
 * @throws UserError NAMESPACE_CONFLICT when they differ in an option that can't be changed afterwards
 */
export async function modifyOptions(client: MongoClient, existing: CatalogEntry, wanted: Fields): Promise<void> {
  const differing = differingFields(existing.options, wanted);
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
  const options: Document = Object.fromEntries(changed.map((name) => [name, wanted.get(name) ?? ABSENT[name]]));
  await client.db(existing.database).command({ collMod: existing.name, ...options });
}

async function tolerate(codes: readonly number[], command: Promise<unknown>): Promise<void> {
  try {
    await command;
  } catch (error) {
    if (!codes.includes((error as { code?: number }).code ?? Number.NaN)) throw error;
  }
}
