import { Binary, type Document } from 'mongodb';
import { type DocumentKey, keyBytes, keyOf } from '../bson/document-key.ts';
import { collectionSize } from '../catalog/read-catalog.ts';
import { sampleBounds } from '../catalog/sample-bounds.ts';
import type { RunContext } from '../collections/context.ts';
import { pinTo } from '../collections/moved.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { readAll } from '../mongodb/raw-cursor.ts';
import type { Clusters } from '../records/context.ts';
import type { PartitionRecord } from '../records/records.ts';
import { chooseReadOrder, SMALL_BYTES } from './read-order.ts';

/** Small enough that a large collection has several ranges in parallel, and large enough that there are few bounds. */
export const DEFAULT_PARTITION_BYTES = 256 * 1024 * 1024;

/**
 * Cuts a collection into ranges of `_id`, unless it is better read in natural order. The last range ends at the currently highest `_id`, so the copy doesn't chase
 * a growing collection: later inserts are changes.
 * @returns no partition for an empty collection
 */
export async function planPartitions(context: RunContext, collection: TrackedCollection): Promise<PartitionRecord[]> {
  const { source, checkpoint } = context;
  // rule: plan-after-position
  const readConcern = { level: 'majority', afterClusterTime: collection.readAfter };
  const fields = { ...pinTo(context, collection), readConcern };
  const [size, top] = await Promise.all([
    collectionSize(source, collection.sourceDatabase, collection.sourceName),
    highestKey(context, collection, fields),
  ]);
  collection.documents = size.documents;
  collection.bytes = size.bytes;
  collection.averageBytes = size.averageBytes;
  if (top === undefined) return [];
  const { natural, ...order } = await chooseReadOrder(context, collection);
  collection.readOrder = order;
  if (collection.bytes >= SMALL_BYTES)
    context.logger.info(
      { event: 'copy.order_chosen', namespace: collection.namespace, ...order },
      'The order of the reads is chosen',
    );
  // A capped collection is read in its own order, so it has one range.
  const isWhole = collection.isCapped || natural !== undefined;
  const ranges = isWhole ? 1 : Math.ceil(collection.bytes / context.partitionBytes);
  const { sourceDatabase: database, sourceName: name, documents } = collection;
  const sampled = await sampleBounds(source, { database, name, documents, ranges, fields });
  const bounds = [...sampled.map(stored), top];
  return bounds.map((high, n) => ({
    _id: { m: checkpoint.migrationId, u: collection.uuid, n },
    low: bounds[n - 1] ?? null,
    high,
    lastId: null,
    documents: 0,
    bytes: 0,
    done: false,
    ...(natural === undefined ? {} : { natural }),
  }));
}

async function highestKey(
  context: Clusters,
  collection: TrackedCollection,
  fields: Document,
): Promise<Binary | undefined> {
  const [highest] = await readAll(context.source, collection.sourceDatabase, {
    find: collection.sourceName,
    sort: { _id: -1 },
    limit: 1,
    projection: { _id: 1 },
    ...fields,
  });
  return highest && stored(keyOf(highest));
}

function stored(key: DocumentKey): Binary {
  return new Binary(keyBytes(key));
}
