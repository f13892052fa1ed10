import { isDeepStrictEqual } from 'node:util';
import { BSON, type Document, type MongoClient } from 'mongodb';
import { reach } from '../../platform/index.ts';
import { type DocumentKey, keyOf } from '../bson/document-key.ts';
import { elementNamed, elementsOf } from '../bson/elements.ts';
import { RawValue } from '../bson/raw-value.ts';
import type { Fields } from '../catalog/fields.ts';
import {
  type IndexSpec,
  isPreparedUnique,
  isSparse,
  isUnique,
  sameButForWeakening,
  stricterFields,
} from '../catalog/index-spec.ts';
import { listIndexesOf } from '../catalog/read-catalog.ts';
import { REPLY_BYTES } from '../concurrency/memory-budget.ts';
import type { Fence } from '../mongodb/fence.ts';
import { readAll } from '../mongodb/raw-cursor.ts';
import { deleteUnchanged, type ReadDocument, refuseWriteError, type WriteTarget } from '../mongodb/raw-write.ts';
import { sameValues } from './same-values.ts';
import type { RefusedDocument } from './unique-conflict.ts';

/** The parts of a run that this needs. */
interface DisplaceHoldersParts {
  readonly destination: MongoClient;
  readonly fence: Fence;
  /** The indexes that the source has now. */
  readonly sourceIndexes: readonly IndexSpec[];
  /** Puts keys on record before their documents are deleted. */
  readonly record: (keys: readonly DocumentKey[]) => Promise<void>;
}

/** More than one only where arrays combine the values of several fields in other ways than the holder does. */
const MOST_HOLDERS = 100;

/** The field of a reply with a document's values in an index. */
const VALUES = 'values';

/**
 * Deletes the destination's documents that have the values of refused ones in a unique index, as long as they have
 * them: another lane may write a newer state meanwhile, which must stay. Where the source enforces the same index, one
 * of the two is out of date: both have to be read again. Where it doesn't, both may be current, and the index has to go.
 * @param displaced  takes the keys that the caller has to apply again, by identity, before each delete: when the answer
 * is lost, a repetition doesn't find the deleted documents any more
 * @throws UserError NAMESPACE_CONFLICT when the source has no such unique index now
 */
export async function displaceHolders(
  parts: DisplaceHoldersParts,
  target: WriteTarget,
  refused: readonly RefusedDocument[],
  displaced: Map<string, DocumentKey>,
): Promise<void> {
  const indexes = (await listIndexesOf(parts.destination, target)).filter(isEnforced);
  const found = new Map<string, ReadDocument>();
  let bytes = 0;
  for (const one of refused) {
    const inTheWay = indexes.filter(({ fields }) => hasFields(fields, one));
    // rule: room-for-current-index
    if (!inTheWay.every((index) => isOnSource(index, parts.sourceIndexes))) refuseFormerIndex(target, one);
    // An index that is gone refuses nothing: the caller writes the document again.
    for (const holder of inTheWay.length > 0 ? await holdersOf(parts, target, one, inTheWay) : []) {
      found.set(holder.key.identity, holder);
      bytes += holder.value.bytes.length;
    }
    if (bytes < REPLY_BYTES && one !== refused.at(-1)) continue;
    await displace(parts, target, [...found.values()], displaced);
    found.clear();
    bytes = 0;
  }
}

/** Whether the source enforces the same index, so that only one of two documents with the same values is current. */
function isOnSource(index: IndexSpec, sourceIndexes: readonly IndexSpec[]): boolean {
  return sourceIndexes.some((one) => sameButForWeakening(one, index) && stricterFields(index, one).length === 0);
}

/** Makes the collection wait until the destination has the indexes of the source. @throws UserError NAMESPACE_CONFLICT */
function refuseFormerIndex(target: WriteTarget, { key, error: { code, errmsg } }: RefusedDocument): never {
  refuseWriteError(target, key, { code, errmsg: `by a unique index that the source does not have now: ${errmsg}` });
}

/** Returns the documents that have the values of a refused one, as many as fit into a reply. */
async function holdersOf(
  { destination, fence }: DisplaceHoldersParts,
  target: WriteTarget,
  refused: RefusedDocument,
  indexes: readonly IndexSpec[],
): Promise<ReadDocument[]> {
  const expression = fieldsOf(refused);
  const found = await readAll(destination, target.database, {
    find: target.name,
    // rule: leave-outside-partial-index
    filter: { $and: [sameValues(refused), ...partOfCollection(refused, indexes)] },
    projection: { _id: 1, [VALUES]: expression },
    limit: MOST_HOLDERS,
    singleBatch: true,
    collectionUUID: target.uuid,
    readConcern: fence.afterOwnWrites,
    // An error names no simple collation, and a query without one takes that of the collection.
    // rule: collation-of-holders
    collation: refused.collation ?? { locale: 'simple' },
  });
  return found
    .map((document) => ({ key: keyOf(document), expression, value: valuesOf(document) }))
    .filter(({ key }) => key.identity !== refused.key.identity);
}

function isEnforced(spec: IndexSpec): boolean {
  return isUnique(spec) || isPreparedUnique(spec);
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

async function displace(
  { fence, record }: DisplaceHoldersParts,
  target: WriteTarget,
  holders: readonly ReadDocument[],
  displaced: Map<string, DocumentKey>,
): Promise<void> {
  // rule: keep-displaced-keys
  for (const { key } of holders) displaced.set(key.identity, key);
  // rule: record-before-displacing
  await record(holders.map(({ key }) => key));
  await reach('engine.apply.about-to-displace');
  for (const error of await deleteUnchanged(fence, target, holders))
    refuseWriteError(target, holders[error.index]?.key, error);
  await reach('engine.apply.displaced');
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
