import type { Context } from './context.ts';
import { assemble, decodeExactly, elementsOf, encodeElements } from './elements.ts';
import { accepted } from './refusal.ts';
import { byShardsRouter } from './shards-router.ts';

/**
 * Returns an event of a stream with `fullDocument: 'updateLookup'`: an update with the document as it is now, or with null when it is
 * gone. Routers look documents up themselves, because a shard may not have them any more.
 */
export async function withPostImage(event: Buffer, context: Context): Promise<Buffer> {
  const { operationType, ns, documentKey, clusterTime } = decodeExactly(event);
  if (operationType !== 'update') return event;
  const readConcern = { level: 'majority', afterClusterTime: clusterTime };
  const find = { clusterFind: ns.coll, filter: documentKey, limit: 1, singleBatch: true, readConcern, $db: ns.db };
  const { cursor } = accepted(decodeExactly(await byShardsRouter(encodeElements(find), context)));
  const fullDocument = encodeElements({ fullDocument: cursor.firstBatch[0] ?? null });
  return assemble([...elementsOf(event).map(({ bytes }) => bytes), ...fullDocument]);
}
