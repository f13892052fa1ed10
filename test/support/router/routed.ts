import type { Document } from 'mongodb';
import { CONFIG, isOnConfigServer } from './catalog.ts';
import type { Context, Handler } from './context.ts';
import { cursorId } from './cursors.ts';
import { assemble, decodeExactly, encodeElements } from './elements.ts';
import { sendNumbered } from './numbered-writes.ts';
import { aggregateOperations, isCurrentOp } from './operations.ts';
import { Refusal } from './refusal.ts';
import { isChangeStream, type Request } from './request.ts';
import { byShardsRouter } from './shards-router.ts';
import { readInTransaction } from './transaction-reads.ts';

/** The router code that each shard of 6.0 has, by the client's command. */
const CLUSTER_COMMANDS = {
  find: 'clusterFind',
  aggregate: 'clusterAggregate',
  insert: 'clusterInsert',
  update: 'clusterUpdate',
  delete: 'clusterDelete',
} as const;

const WRITES = ['insert', 'update', 'delete'];
const ALL = 100_000;

/** Answers reads and writes of documents: through a shard's router code where that is safe. */
export const readOrWrite: Handler = async (request, context) => {
  const { db, name, target } = request;
  if (db === 'local') throw new Refusal(73, 'InvalidNamespace', 'a router has no database local');
  if (isChangeStream(request)) return await context.streams.open(request);
  if (isCurrentOp(request)) return await aggregateOperations(request, context);
  const isWrite = WRITES.includes(name);
  if (request.inTransaction)
    return isWrite ? await sendNumbered(request, context) : await readInTransaction(request, context);
  if (isOnConfigServer(db) && target !== '1')
    return await (isWrite ? writeToConfigServer : readFromConfigServer)(request, context);
  if (isWrite && request.isNumbered) return await sendNumbered(request, context);
  const command = CLUSTER_COMMANDS[name as keyof typeof CLUSTER_COMMANDS];
  return await byShardsRouter([request.as(command), ...request.rest('txnNumber')], context, request.sequences);
};

/** Answers `count` by an aggregation: shards have no router code for it. */
export const count: Handler = async (request, context) => {
  const stage = (name: string) => (request.get(name) ? [{ [`$${name}`]: Math.abs(Number(request.get(name))) }] : []);
  const reply = await aggregateOf(request, [...stage('skip'), ...stage('limit'), { $count: 'n' }], context);
  return Number(reply.ok) ? { n: reply.cursor.firstBatch[0]?.n ?? 0, ok: 1 } : reply;
};

/** Answers `distinct` by an aggregation. */
export const distinct: Handler = async (request, context) => {
  const path = `$${request.get('key')}`;
  const reply = await aggregateOf(request, [{ $unwind: path }, { $group: { _id: path } }], context);
  return Number(reply.ok) ? { values: reply.cursor.firstBatch.map(({ _id }: Document) => _id), ok: 1 } : reply;
};

export const getMore: Handler = async (request, context) => {
  const id = request.cursorId;
  if (context.streams.has(id)) return await context.streams.more(request, context);
  const open = context.cursors.get(id);
  if (!open) throw new Refusal(43, 'CursorNotFound', `cursor id ${id} not found`);
  const without = open.getMore === 'clusterGetMore' ? ['txnNumber'] : [];
  const reply = await context.connections.send(open.shard, [request.as(open.getMore), ...request.rest(...without)]);
  if (cursorId(reply) === '0') context.cursors.delete(id);
  return reply;
};

export const killCursors: Handler = async (request, { connections, cursors, streams }) => {
  const ids: unknown[] = request.get('cursors');
  for (const cursor of ids) {
    const id = String(cursor);
    streams.close(id);
    const open = cursors.get(id);
    cursors.delete(id);
    // A shard has no command that kills a cursor of its router code. It closes such a cursor after ten minutes.
    if (open?.getMore !== 'getMore') continue;
    await connections.run(open.shard, request.db, { killCursors: request.target, cursors: [cursor] });
  }
  return { cursorsKilled: ids, cursorsNotFound: [], cursorsAlive: [], cursorsUnknown: [], ok: 1 };
};

async function aggregateOf(request: Request, stages: readonly Document[], context: Context): Promise<Document> {
  const pipeline = [{ $match: request.exact('query') ?? {} }, ...stages];
  const aggregate = { clusterAggregate: request.target, pipeline, cursor: { batchSize: ALL } };
  const rest = request.rest('query', 'key', 'skip', 'limit', 'fields', 'txnNumber');
  return decodeExactly(await byShardsRouter([...encodeElements(aggregate), ...rest], context));
}

/** Writes with the client's own rights. */
async function writeToConfigServer(request: Request, { connections }: Context): Promise<Buffer> {
  return await connections.asUser(assemble([request.as(request.name), ...request.rest()]), request.sequences);
}

async function readFromConfigServer(request: Request, { connections, cursors }: Context): Promise<Buffer> {
  const reply = await connections.send(CONFIG, [request.as(request.name), ...request.rest()], request.sequences);
  return cursors.note(reply, { shard: CONFIG, getMore: 'getMore' });
}
