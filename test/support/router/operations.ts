import { type Document, Long } from 'mongodb';
import type { Context, Handler } from './context.ts';
import { decodeExactly, encode, encodeElements } from './elements.ts';
import { accepted, Refusal, visible } from './refusal.ts';
import type { Request } from './request.ts';
import { onAllShards } from './statistics-commands.ts';

const STAGES = ['$match', '$project'];
const ALL = 100_000;

/** Answers `currentOp` with the operations of all shards. */
export const currentOp: Handler = async (request, context) => {
  const { raw, ...reply } = (await onAllShards(request, context)) as Document;
  const inprog = Object.entries<Document>(raw).flatMap(([shard, { inprog = [] }]) =>
    inprog.map((operation: Document) => ({ ...operation, shard, opid: `${shard}:${operation.opid}` })),
  );
  return { inprog, ...reply };
};

export function isCurrentOp(request: Request): boolean {
  return request.name === 'aggregate' && request.exact('pipeline')?.[0]?.$currentOp !== undefined;
}

/**
 * Aggregates the operations of all shards. Not by a shard's router code: while that shard waits for its global lock, the router code waits, too.
 * @throws Refusal for a stage that needs the operations of all shards in one place
 */
export async function aggregateOperations(request: Request, { catalog, connections }: Context): Promise<Document> {
  const [first, ...stages]: Document[] = request.exact('pipeline');
  if (!stages.every((stage) => STAGES.some((name) => name in stage)))
    throw new Refusal(238, 'NotImplemented', `after $currentOp only ${STAGES.join(' and ')} are known here`);
  const shards = await catalog.shards();
  const rest = request.rest('pipeline', 'cursor', 'txnNumber');
  const batches = shards.map(async (shard) => {
    const named = { $set: { shard, opid: { $concat: [`${shard}:`, { $toString: '$opid' }] } } };
    const command = { aggregate: 1, pipeline: [first, named, ...stages], cursor: { batchSize: ALL } };
    const reply = await connections.send(shard, [...encodeElements(command), ...rest]);
    return accepted(decodeExactly(reply)).cursor.firstBatch;
  });
  return {
    cursor: { firstBatch: (await Promise.all(batches)).flat(), id: Long.ZERO, ns: 'admin.$cmd.aggregate' },
    ok: 1,
  };
}

/** Answers `killOp` of an operation by the name that `currentOp` gives it. The config server says whether the client's user may do that. */
export const killOp: Handler = async (request, { connections }) => {
  accepted(decodeExactly(await connections.asUser(encode({ killOp: 1, op: 0, $db: 'admin' }))));
  const [shard = '', opid] = String(request.get('op')).split(':');
  return visible(await connections.run(shard, 'admin', { killOp: 1, op: Number(opid) }));
};
