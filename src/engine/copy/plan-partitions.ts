import { Binary, type Document } from 'mongodb';
import type { Logger } from '../../platform/index.ts';
import { keyBytes, keyOf } from '../bson/document-key.ts';
import { collectionSize } from '../catalog/read-catalog.ts';
import { pinTo } from '../collections/moved.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { readAll } from '../mongodb/raw-cursor.ts';
import type { PartitionRecord } from '../records/records.ts';
import type { RetryingCheckpointStore } from '../records/retrying-checkpoint-store.ts';
import { chooseReadOrder, type ReadOrderParts, SMALL_BYTES } from './read-order.ts';

/** The parts of a run that planning needs. */
export interface PlanPartitionsParts extends ReadOrderParts {
  readonly checkpoint: RetryingCheckpointStore;
  readonly partitionBytes: number;
  readonly logger: Logger;
}

/** Small enough that a large collection has several ranges in parallel, and large enough that there are few bounds. */
export const DEFAULT_PARTITION_BYTES = 256 * 1024 * 1024;

/** Sampled keys per boundary. Uneven ranges cost little, and a few keys avoid the worst ones. */
const SAMPLES_PER_PARTITION = 10;

/** From 5 % on, `$sample` sorts the whole collection (docs/reference/pitfalls.md#pitfall-30). */
const LARGEST_SAMPLE_SHARE = 0.04;

/**
 * Cuts a collection into ranges of `_id`, unless it is better read in natural order. The last range ends at the currently highest `_id`, so the copy doesn't chase
 * a growing collection: later inserts are changes.
 * @returns no partition for an empty collection
 */
export async function planPartitions(
  context: PlanPartitionsParts,
  collection: TrackedCollection,
): Promise<PartitionRecord[]> {
  const { source, checkpoint } = context;
  const size = await collectionSize(source, collection.sourceDatabase, collection.sourceName);
  collection.documents = size.documents;
  collection.bytes = size.bytes;
  collection.averageBytes = size.averageBytes;

  const highest = await readKeys(context, collection, { find: collection.sourceName, sort: { _id: -1 }, limit: 1 });
  const [top] = highest;
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
  const bounds = isWhole ? [top] : [...(await sampleBounds(context, collection)), top];
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

async function sampleBounds(context: PlanPartitionsParts, collection: TrackedCollection): Promise<Binary[]> {
  const partitions = Math.ceil(collection.bytes / context.partitionBytes);
  const sampled = Math.min(partitions * SAMPLES_PER_PARTITION, Math.floor(collection.documents * LARGEST_SAMPLE_SHARE));
  if (partitions < 2 || sampled < partitions) return [];
  const keys = await readKeys(context, collection, {
    aggregate: collection.sourceName,
    pipeline: [{ $sample: { size: sampled } }, { $project: { _id: 1 } }, { $sort: { _id: 1 } }],
    cursor: {},
  });
  const bounds: Binary[] = [];
  for (let n = 1; n < partitions; n += 1) {
    const bound = keys[Math.floor((n * keys.length) / partitions)];
    // A random cursor may return a key twice.
    if (bound !== undefined && bounds.at(-1)?.toString('hex') !== bound.toString('hex')) bounds.push(bound);
  }
  return bounds;
}

async function readKeys(
  context: PlanPartitionsParts,
  collection: TrackedCollection,
  command: Document,
): Promise<Binary[]> {
  const documents = await readAll(context.source, collection.sourceDatabase, {
    ...command,
    ...(command.find === undefined ? {} : { projection: { _id: 1 } }),
    ...pinTo(context, collection),
    readConcern: { level: 'majority', afterClusterTime: collection.readAfter },
  });
  return documents.map((document) => new Binary(keyBytes(keyOf(document))));
}
