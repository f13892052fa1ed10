import { type Document, Long } from 'mongodb';
import type { Context } from './context.ts';
import { decodeExactly } from './elements.ts';
import { accepted, Refusal } from './refusal.ts';
import type { Request } from './request.ts';
import { keyOfQuery } from './shard-key.ts';

/**
 * Reads in a transaction from the shards that own what is wanted.
 * @throws Refusal for a read of several shards that sorts or aggregates, which a real router can do
 */
export async function readInTransaction(request: Request, context: Context): Promise<Buffer | Document> {
  const { catalog, connections, cursors, transactions } = context;
  const routing = await catalog.routing(request.db, request.target, { create: true });
  const shards = routing.sharded ? await owners(request, context, routing.sharded) : [routing.primary];
  const replies = await Promise.all(
    shards.map(async (shard) => {
      const reply = await connections.send(shard, transactions.elementsFor(request, routing, shard));
      return cursors.note(reply, { shard, getMore: 'getMore' });
    }),
  );
  const [only] = replies;
  if (only && replies.length === 1) return only;
  if (request.name === 'aggregate' || request.has('sort')) {
    throw new Refusal(
      238,
      'NotImplemented',
      'reads of several shards in a transaction neither sort nor aggregate here',
    );
  }
  const firstBatch = replies.flatMap((reply) => accepted(decodeExactly(reply)).cursor.firstBatch);
  return { cursor: { firstBatch, id: Long.ZERO, ns: request.namespace }, ok: 1 };
}

async function owners(
  request: Request,
  { catalog }: Context,
  sharded: Parameters<typeof catalog.owners>[0],
): Promise<readonly string[]> {
  const query = request.name === 'find' ? request.exact('filter') : request.exact('pipeline')?.[0]?.$match;
  const key = keyOfQuery(query ?? {}, sharded.key);
  return key ? await catalog.owners(sharded, [key]) : [...sharded.versions.keys()];
}
