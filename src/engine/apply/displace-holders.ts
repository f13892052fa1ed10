import { BSON, type MongoClient } from 'mongodb';
import { reach } from '../../platform/index.ts';
import { type DocumentKey, keyOf } from '../bson/document-key.ts';
import { elementNamed } from '../bson/elements.ts';
import { RawValue } from '../bson/raw-value.ts';
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
}

/** More than one only where a filter for a partial index or an array matches documents beside the holder. */
const MOST_HOLDERS = 100;

/** The field of a reply with a document's values in an index. */
const VALUES = 'values';

/**
 * Deletes the destination's documents that have the values of refused ones in a unique index, as long as they have
 * them: another lane may write a newer state meanwhile, which must stay. The source enforces the same index, so one of
 * the two is out of date: both have to be read again.
 * @param displaced  takes the keys that the caller has to apply again, by identity, before each delete: when the answer
 * is lost, a repetition doesn't find the deleted documents any more
 */
export async function displaceHolders(
  parts: DisplaceHoldersParts,
  target: WriteTarget,
  refused: readonly RefusedDocument[],
  displaced: Map<string, DocumentKey>,
): Promise<void> {
  const found = new Map<string, ReadDocument>();
  let bytes = 0;
  for (const one of refused) {
    for (const holder of await holdersOf(parts, target, one)) {
      found.set(holder.key.identity, holder);
      bytes += holder.value.bytes.length;
    }
    if (bytes < REPLY_BYTES && one !== refused.at(-1)) continue;
    await displace(parts.fence, target, [...found.values()], displaced);
    found.clear();
    bytes = 0;
  }
}

/** Returns the documents that have the values of a refused one, as many as fit into a reply. */
async function holdersOf(
  { destination, fence }: DisplaceHoldersParts,
  target: WriteTarget,
  refused: RefusedDocument,
): Promise<ReadDocument[]> {
  const expression = fieldsOf(refused);
  const found = await readAll(destination, target.database, {
    find: target.name,
    filter: sameValues(refused),
    projection: { _id: 1, [VALUES]: expression },
    limit: MOST_HOLDERS,
    singleBatch: true,
    collectionUUID: target.uuid,
    readConcern: fence.afterOwnWrites,
    ...(refused.collation && { collation: refused.collation }),
  });
  return found
    .map((document) => ({ key: keyOf(document), expression, value: valuesOf(document) }))
    .filter(({ key }) => key.identity !== refused.key.identity);
}

async function displace(
  fence: Fence,
  target: WriteTarget,
  holders: readonly ReadDocument[],
  displaced: Map<string, DocumentKey>,
): Promise<void> {
  for (const { key } of holders) displaced.set(key.identity, key);
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
  const fields = new Set(Object.keys(keyPattern).map((path) => `$${path.split('.', 1)}`));
  return valuesOf(Buffer.from(BSON.serialize({ [VALUES]: [...fields] })));
}

function valuesOf(document: Buffer): RawValue {
  const values = elementNamed(document, VALUES);
  if (values === undefined) throw new Error('A reply without the values of an index');
  return new RawValue(values.type, document.subarray(values.valueStart, values.valueEnd));
}
