import type { Document } from 'mongodb';
import type { Handler } from './context.ts';
import { decodeExactly } from './elements.ts';
import { accepted, visible } from './refusal.ts';
import { versionElements } from './versions.ts';

const COLLECTION_SUMS = ['count', 'size', 'storageSize', 'totalIndexSize', 'totalSize'];
const DATABASE_SUMS = [
  'collections',
  'views',
  'objects',
  'dataSize',
  'storageSize',
  'indexes',
  'indexSize',
  'totalSize',
];

/** Answers a command that goes to all shards at the same time, with each one's reply under its name. */
export const onAllShards: Handler = async (request, { catalog, connections }) => {
  const shards = await catalog.shards();
  const replies = await Promise.all(
    shards.map((shard) => connections.send(shard, [request.as(request.name), ...request.rest()])),
  );
  const shown = replies.map((reply) => visible(decodeExactly(reply)));
  return { raw: Object.fromEntries(shards.map((shard, n) => [shard, shown[n]])), ...(failureOf(shown) ?? { ok: 1 }) };
};

/** Answers `planCacheListFilters` as a router's source does: with the first owner's reply, and each one's under its name. */
export const planCacheListFilters: Handler = async (request, { catalog, connections }) => {
  const { primary, sharded } = await catalog.routing(request.db, request.target);
  const owners = sharded ? [...sharded.versions.keys()].sort() : [primary];
  const command = { planCacheListFilters: request.target };
  const replies = await Promise.all(owners.map((shard) => connections.run(shard, request.db, command)));
  const shown = replies.map((reply) => visible(accepted(reply)));
  return { ...shown[0], ...Object.fromEntries(owners.map((shard, n) => [shard, shown[n]])) };
};

/** Answers `explain` of a read with the plan of each shard that owns documents. */
export const explain: Handler = async (request, { catalog, connections }) => {
  const explained: Document = request.exact('explain');
  const [name = ''] = Object.keys(explained);
  const routing = await catalog.routing(request.db, String(explained[name]));
  const shards = routing.sharded ? [...routing.sharded.versions.keys()] : [routing.primary];
  const plans = shards.map(async (shardName) => {
    const elements = [request.as('explain'), ...request.rest(), ...versionElements(routing, shardName)];
    const { queryPlanner } = accepted(decodeExactly(await connections.send(shardName, elements)));
    return { shardName, ...queryPlanner };
  });
  const winningPlan = { stage: shards.length === 1 ? 'SINGLE_SHARD' : 'SHARD_MERGE', shards: await Promise.all(plans) };
  return { queryPlanner: { mongosPlannerVersion: 1, winningPlan }, ok: 1 };
};

export const dbStats: Handler = async (request, { catalog, connections }) => {
  const shards = await catalog.shards();
  const scale = request.get('scale');
  const replies = await Promise.all(shards.map((shard) => connections.run(shard, request.db, { dbStats: 1, scale })));
  const shown = replies.map((reply) => visible(accepted(reply)));
  const raw = Object.fromEntries(shards.map((shard, n) => [shard, shown[n]]));
  return { raw, db: request.db, ...sums(shown, DATABASE_SUMS), ok: 1 };
};

/** Answers `collStats`, whose counts include orphans as a real router's do. */
export const collStats: Handler = async (request, { catalog, connections }) => {
  const { primary, sharded } = await catalog.routing(request.db, request.target);
  const owners = sharded ? [...sharded.versions.keys()] : [primary];
  const command = { collStats: request.target };
  const replies = await Promise.all(owners.map((shard) => connections.run(shard, request.db, command)));
  const shown = replies.map((reply) => visible(accepted(reply)));
  const total = sums(shown, COLLECTION_SUMS);
  const shards = Object.fromEntries(owners.map((shard, n) => [shard, shown[n]]));
  return {
    sharded: sharded !== undefined,
    capped: shown[0]?.capped,
    ns: request.namespace,
    ...total,
    nindexes: shown[0]?.nindexes,
    avgObjSize: total.count ? (total.size ?? 0) / total.count : 0,
    ...(sharded ? { shards } : { primary }),
    ok: 1,
  };
};

function sums(replies: readonly Document[], fields: readonly string[]): Record<string, number> {
  const sum = (field: string) => replies.reduce((total, reply) => total + Number(reply[field] ?? 0), 0);
  return Object.fromEntries(fields.map((field) => [field, sum(field)]));
}

function failureOf(replies: readonly Document[]): Document | undefined {
  const failed = replies.find(({ ok }) => !Number(ok));
  if (!failed) return undefined;
  const { code, codeName, errmsg } = failed;
  return { ok: 0, code, codeName, errmsg };
}
