import { BSON, type Document, type MongoClient } from 'mongodb';
import { reach } from '../../platform/index.ts';
import { type DocumentKey, keyOf } from '../bson/document-key.ts';
import { elementNamed } from '../bson/elements.ts';
import { RawValue } from '../bson/raw-value.ts';
import type { Fence } from '../mongodb/fence.ts';
import { readAll } from '../mongodb/raw-cursor.ts';
import { deleteUnchanged, type ReadDocument, refuseWriteError, type WriteTarget } from '../mongodb/raw-write.ts';
import type { RefusedDocument } from './unique-conflict.ts';

/** The parts of a run that this needs. */
interface DisplaceHoldersParts {
  readonly destination: MongoClient;
  readonly fence: Fence;
}

/** More than one only where a filter for a partial index or an array matches documents beside the holder. */
const MOST_HOLDERS = 100;

/** The field of a reply with a document's values in an index. */
const VALUES = 'values';

/**
 * Deletes the destination's documents that have the values of refused ones in a unique index, as long as they have
 * them: another lane may write a newer state meanwhile, which must stay. The source enforces the same index, so one of
 * the two is out of date: both have to be read again.
 * @returns the keys of the documents that had the values, which the caller has to apply again
 */
export async function displaceHolders(
  { destination, fence }: DisplaceHoldersParts,
  target: WriteTarget,
  refused: readonly RefusedDocument[],
): Promise<DocumentKey[]> {
  const holders = new Map<string, ReadDocument>();
  for (const one of refused) {
    const expression = pathsOf(one);
    const found = await readAll(destination, target.database, {
      find: target.name,
      filter: sameValues(one),
      projection: { _id: 1, [VALUES]: expression },
      limit: MOST_HOLDERS,
      collectionUUID: target.uuid,
      readConcern: fence.afterOwnWrites,
      ...(one.collation && { collation: one.collation }),
    });
    for (const holder of found.map((document) => ({ key: keyOf(document), expression, value: valuesOf(document) })))
      if (holder.key.identity !== one.key.identity) holders.set(holder.key.identity, holder);
  }
  const read = [...holders.values()];
  await reach('engine.apply.about-to-displace');
  for (const error of await deleteUnchanged(fence, target, read))
    refuseWriteError(target, read[error.index]?.key, error);
  await reach('engine.apply.displaced');
  return read.map(({ key }) => key);
}

/** Returns the expression for a document's values in the fields of an index. */
function pathsOf({ keyPattern }: RefusedDocument): RawValue {
  const paths = Object.keys(keyPattern).map((path) => `$${path}`);
  return valuesOf(Buffer.from(BSON.serialize({ [VALUES]: paths })));
}

function valuesOf(document: Buffer): RawValue {
  const values = elementNamed(document, VALUES);
  if (values === undefined) throw new Error('A reply without the values of an index');
  return new RawValue(values.type, document.subarray(values.valueStart, values.valueEnd));
}

/** Returns a query for documents with the same values in the fields of an index. */
function sameValues({ document, keyPattern }: RefusedDocument): Document {
  const decoded = BSON.deserialize(document, { promoteValues: false, bsonRegExp: true });
  const fields = Object.keys(keyPattern).map((path) => {
    const values = valuesAt(decoded, path.split('.'));
    return { $or: (values.length === 0 ? [null] : values).map((value) => ({ [path]: { $eq: value } })) };
  });
  return { $and: fields };
}

/** Returns what an index has for a path: also each element of an array on the way, and at its end. */
function valuesAt(value: unknown, path: readonly string[]): unknown[] {
  const [name, ...rest] = path;
  if (name === undefined) return Array.isArray(value) ? [value, ...value] : [value];
  if (Array.isArray(value)) return [...value.flatMap((one) => valuesAt(one, path)), ...valuesIn(value, name, rest)];
  return typeof value === 'object' && value !== null ? valuesIn(value, name, rest) : [];
}

function valuesIn(value: object, name: string, rest: readonly string[]): unknown[] {
  return Object.hasOwn(value, name) ? valuesAt((value as Record<string, unknown>)[name], rest) : [];
}
