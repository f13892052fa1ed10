import { BSON, type MongoClient } from 'mongodb';
import { reach } from '../../platform/index.ts';
import { type DocumentKey, keyOf } from '../bson/document-key.ts';
import { elementNamed } from '../bson/elements.ts';
import { RawValue } from '../bson/raw-value.ts';
import type { Fence } from '../mongodb/fence.ts';
import { readAll } from '../mongodb/raw-cursor.ts';
import { deleteUnchanged, type ReadDocument, refuseWriteError, type WriteTarget } from '../mongodb/raw-write.ts';
import { sameValues } from './same-values.ts';
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
    const expression = fieldsOf(one);
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

/**
 * Returns the expression for a document's top-level fields of an index. An expression for a path in them would show less than an
 * index has: neither elements of an array that lack it, nor those at a position.
 */
function fieldsOf({ keyPattern }: RefusedDocument): RawValue {
  const fields = new Set(Object.keys(keyPattern).map((path) => `$${path.split('.', 1)}`));
  return valuesOf(Buffer.from(BSON.serialize({ [VALUES]: [...fields] })));
}

function valuesOf(document: Buffer): RawValue {
  const values = elementNamed(document, VALUES);
  if (values === undefined) throw new Error('A reply without the values of an index');
  return new RawValue(values.type, document.subarray(values.valueStart, values.valueEnd));
}
