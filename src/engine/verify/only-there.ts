import { counted } from '../../platform/index.ts';
import { sidesOf } from '../apply/migrated-sides.ts';
import { describeKey } from '../bson/document-key.ts';
import { collectionSize } from '../catalog/read-catalog.ts';
import type { Dispatched } from '../collections/context.ts';
import { CollectionDropped, CollectionMissing } from '../collections/moved.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { compareChunk } from '../compare/compare-chunk.ts';
import { batchSize } from '../copy/open-read.ts';
import type { Clusters, Pace } from '../records/context.ts';

/** Collections that the description names. */
const SHOWN = 10;

/** Describes for an operator the documents that only the destination has, or has in another state. Changes nothing. */
export async function describeOnlyThere(
  context: Clusters & Pace & Dispatched,
  collections: Iterable<TrackedCollection>,
): Promise<string> {
  const described: string[] = [];
  for (const collection of collections) {
    const text = await describeOne(context, collection);
    if (text !== undefined) described.push(text);
  }
  if (described.length === 0) return 'nothing';
  const more = described.length - SHOWN;
  return [...described.slice(0, SHOWN), ...(more > 0 ? [`and ${counted(more, 'more collection')}`] : [])].join(', ');
}

/** @returns undefined when the destination has nothing that the source lacks */
async function describeOne(
  context: Clusters & Pace & Dispatched,
  collection: TrackedCollection,
): Promise<string | undefined> {
  const { destination, retrier } = context;
  try {
    return await describeDocuments(context, collection);
  } catch (error) {
    if (error instanceof CollectionDropped) return undefined;
    if (!(error instanceof CollectionMissing)) throw error;
  }
  const { destinationDatabase, destinationName, namespace } = collection;
  const size = await retrier.run('the destination', () =>
    collectionSize(destination, destinationDatabase, destinationName),
  );
  return `the collection ${namespace} with ${counted(size.documents, 'document')}`;
}

async function describeDocuments(
  context: Clusters & Pace & Dispatched,
  collection: TrackedCollection,
): Promise<string | undefined> {
  const { source, destination } = sidesOf(context, collection);
  let only = 0;
  let other = 0;
  let first: string | undefined;
  let after: Parameters<typeof compareChunk>[2]['after'];
  do {
    const { last } = await compareChunk(source, destination, {
      after,
      limit: batchSize(collection),
      differ: async (pairs) => {
        for (const { key, source: there, destination: here } of pairs) {
          if (here === undefined) continue;
          if (there === undefined) only += 1;
          else other += 1;
          first ??= describeKey(key);
        }
      },
    });
    after = last;
  } while (after !== undefined);
  if (first === undefined) return undefined;
  const counts = [
    ...(only > 0 ? [counted(only, 'document')] : []),
    ...(other > 0 ? [`another state of ${counted(other, 'document')}`] : []),
  ];
  return `${counts.join(' and ')} of ${collection.namespace}, first _id ${first}`;
}
