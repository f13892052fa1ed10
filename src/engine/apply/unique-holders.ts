import { isDeepStrictEqual } from 'node:util';
import { BSON, type Document, type MongoClient, type UUID } from 'mongodb';
import { keyOf } from '../bson/document-key.ts';
import { elementNamed, elementsOf } from '../bson/elements.ts';
import { RawValue } from '../bson/raw-value.ts';
import type { Fields } from '../catalog/fields.ts';
import { type IndexSpec, isPreparedUnique, isSparse, isUnique } from '../catalog/index-spec.ts';
import { listIndexesOf } from '../catalog/read-catalog.ts';
import { readAll } from '../mongodb/raw-cursor.ts';
import type { ReadDocument, WriteTarget } from '../mongodb/raw-write.ts';
import { sameValues } from './same-values.ts';
import type { RefusedDocument } from './unique-conflict.ts';

/** The server that has refused documents. */
export interface RefusingServer {
  readonly client: MongoClient;
  readonly readConcern: Document;
}

/** Where the documents are. Without a UUID when the server can't pin reads. */
type Place = Omit<WriteTarget, 'uuid'> & { readonly uuid: UUID | undefined };

/** More than one only where arrays combine the values of several fields in other ways than the holder does. */
const MOST_HOLDERS = 100;

/** The field of a reply with a document's values in an index. */
const VALUES = 'values';

/** Returns the indexes of a collection that refuse documents with the values of other documents. */
export async function enforcedIndexesOf(client: MongoClient, target: Place): Promise<readonly IndexSpec[]> {
  return (await listIndexesOf(client, target)).filter((spec) => isUnique(spec) || isPreparedUnique(spec));
}

/** Returns those of the indexes that may have refused a document: the ones with the fields that the error names. */
export function indexesInTheWay(indexes: readonly IndexSpec[], refused: RefusedDocument): readonly IndexSpec[] {
  return indexes.filter(({ fields }) => hasFields(fields, refused));
}

/**
 * Returns the documents that have the values of a refused one in the indexes, as many as fit into a reply.
 * @param indexes  at least one
 */
export async function holdersOf(
  { client, readConcern }: RefusingServer,
  target: Place,
  refused: RefusedDocument,
  indexes: readonly IndexSpec[],
): Promise<readonly ReadDocument[]> {
  const expression = fieldsOf(refused);
  const found = await readAll(client, target.database, {
    find: target.name,
    // rule: leave-outside-partial-index
    filter: { $and: [sameValues(refused), ...partOfCollection(refused, indexes)] },
    projection: { _id: 1, [VALUES]: expression },
    limit: MOST_HOLDERS,
    singleBatch: true,
    ...(target.uuid && { collectionUUID: target.uuid }),
    readConcern,
    // An error names no simple collation, and a query without one takes that of the collection.
    // rule: collation-of-holders
    collation: refused.collation ?? { locale: 'simple' },
  });
  return found
    .map((document) => ({ key: keyOf(document), expression, value: valuesOf(document) }))
    .filter(({ key }) => key.identity !== refused.key.identity);
}

/**
 * Returns a condition for the documents in indexes on the refused fields; none when one of them has all. A document
 * beside a partial index isn't in the way.
 */
function partOfCollection({ keyPattern }: RefusedDocument, indexes: readonly IndexSpec[]): Document[] {
  const parts = indexes.map((spec) => [...sparseParts(spec, Object.keys(keyPattern)), ...partialParts(spec)]);
  return parts.some(({ length }) => length === 0) ? [] : [{ $or: parts.map(($and) => ({ $and })) }];
}

/** Whether an index has the fields of the one that refused a document. */
function hasFields(fields: Fields, { keyPattern }: RefusedDocument): boolean {
  const names = Object.keys(keyPattern).map((name) => Buffer.from(name).toString('latin1'));
  return isDeepStrictEqual(namesIn(fields.get('key')), names);
}

function partialParts({ fields }: IndexSpec): readonly (Document | RawValue)[] {
  const filter = fields.get('partialFilterExpression');
  return filter === undefined ? [] : [filter];
}

/** A sparse index lacks the documents without any of its fields, and has those with null. */
function sparseParts(spec: IndexSpec, names: readonly string[]): readonly Document[] {
  // rule: leave-outside-sparse-index
  return isSparse(spec) ? [{ $or: names.map((name) => ({ [name]: { $exists: true } })) }] : [];
}

function namesIn(key: RawValue | undefined): string[] {
  return Array.from(elementsOf((key as RawValue).bytes), ({ name }) => name);
}

/**
 * Returns the expression for a document's top-level fields of an index. An expression for a path in them would show less than an
 * index has: neither elements of an array that lack it, nor those at a position.
 */
function fieldsOf({ keyPattern }: RefusedDocument): RawValue {
  // rule: keep-holder-without-array-value
  const fields = new Set(Object.keys(keyPattern).map((path) => `$${path.split('.', 1)}`));
  return valuesOf(Buffer.from(BSON.serialize({ [VALUES]: [...fields] })));
}

function valuesOf(document: Buffer): RawValue {
  const values = elementNamed(document, VALUES);
  if (values === undefined) throw new Error('A reply without the values of an index');
  return new RawValue(values.type, document.subarray(values.valueStart, values.valueEnd));
}
