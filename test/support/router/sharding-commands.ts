import type { Document } from 'mongodb';
import { type Catalog, CONFIG, MAJORITY } from './catalog.ts';
import { split } from './catalog-commands.ts';
import type { Handler } from './context.ts';
import { assemble, decodeExactly } from './elements.ts';
import { accepted, Refusal, visible } from './refusal.ts';
import type { Request } from './request.ts';

/** Options of `shardCollection` that the primary shard takes as they are. */
const SHARDING_OPTIONS = [
  'numInitialChunks',
  'presplitHashedZones',
  'collation',
  'timeseries',
  'enforceUniquenessCheck',
  'collectionUUID',
  'implicitlyCreateIndex',
];

/** The same of `reshardCollection`. */
const RESHARDING_OPTIONS = ['numInitialChunks', 'unique', 'collation', 'zones', 'presetReshardedChunks'];

/** Fields of a client's command that the config server does not take. */
const NOT_FOR_CONFIG = ['lsid', '$db', 'writeConcern', '$readPreference'];

/**
 * Returns the handler of a command that the config server carries out. It takes the client's own connection there, because such a command
 * can last long, and the catalog's reads must not wait for it.
 */
export function onConfigServer(command: string, options: { readonly writeConcern?: Document } = {}): Handler {
  return async (request, { connections }) => {
    const own = decodeExactly(assemble([request.as(command), ...request.rest(...NOT_FOR_CONFIG)]));
    return visible(await connections.run(CONFIG, 'admin', { ...own, ...options }));
  };
}

export const enableSharding: Handler = async (request, { connections }) => {
  const primaryShardId = request.get('primaryShard');
  const command = { _configsvrCreateDatabase: request.target, primaryShardId, writeConcern: MAJORITY };
  return visible(await connections.run(CONFIG, 'admin', command));
};

export const shardCollection: Handler = async (request, { catalog, connections }) => {
  const [db, collection] = split(request.target);
  const { primary, databaseVersion } = await catalog.routing(db, collection, { create: true });
  const command = {
    _shardsvrCreateCollection: collection,
    shardKey: request.exact('key'),
    unique: request.get('unique') ?? false,
    ...given(request, SHARDING_OPTIONS),
    databaseVersion,
    writeConcern: MAJORITY,
  };
  const reply = accepted(await connections.run(primary, db, command));
  return { collectionsharded: request.target, ...visible(reply) };
};

/** Answers `split`, at `middle` or at the median of the chunk that `find` names. */
export const splitChunk: Handler = async (request, { catalog, connections }) => {
  const entry = await entryOf(catalog, request.target);
  const middle: Document | undefined = request.exact('middle');
  const { shard, min, max } = await chunkWith(catalog, entry, middle ?? (await hashedFind(request, entry, catalog)));
  const { key: keyPattern, lastmodEpoch: epoch, timestamp } = entry;
  const median = async () => {
    const command = { splitVector: request.target, keyPattern, min, max, force: true };
    return accepted(await connections.run(shard, 'admin', command)).splitKeys[0];
  };
  const splitKeys = [middle ?? (await median())];
  const command = { splitChunk: request.target, from: shard, keyPattern, epoch, timestamp, min, max, splitKeys };
  return visible(await connections.run(shard, 'admin', command));
};

/** Answers `moveChunk` and `moveRange`. The config server moves the range, and the shards do the work. */
export const moveRange: Handler = async (request, { catalog, connections }) => {
  const entry = await entryOf(catalog, request.target);
  const bound: Document | undefined = request.exact('min') ?? request.exact('bounds')?.[0];
  const wanted = bound ?? (await hashedFind(request, entry, catalog));
  const chunk = await chunkWith(catalog, entry, wanted);
  const [min, max] =
    request.name === 'moveRange' ? [request.exact('min'), request.exact('max')] : [chunk.min, chunk.max];
  const command = {
    _configsvrMoveRange: request.target,
    min: min ?? chunk.min,
    ...(max === undefined ? {} : { max }),
    toShard: request.get('to') ?? request.get('toShard'),
    waitForDelete: request.get('_waitForDelete') ?? request.get('waitForDelete') ?? false,
    writeConcern: MAJORITY,
  };
  return visible(await connections.run(CONFIG, 'admin', command));
};

export const movePrimary: Handler = async (request, { catalog, connections }) => {
  const { primary, databaseVersion } = await catalog.routing(request.target, '');
  const to = request.get('to');
  const command = { _shardsvrMovePrimary: request.target, to, databaseVersion, writeConcern: MAJORITY };
  return visible(await connections.run(primary, 'admin', command));
};

export const refineShardKey: Handler = async (request, { catalog, connections }) => {
  const [db, collection] = split(request.target);
  const { primary, databaseVersion } = await catalog.routing(db, collection);
  const command = { _shardsvrRefineCollectionShardKey: collection, newShardKey: request.exact('key') };
  return visible(await connections.run(primary, db, { ...command, databaseVersion, writeConcern: MAJORITY }));
};

export const reshardCollection: Handler = async (request, { catalog, connections }) => {
  const [db, collection] = split(request.target);
  const { primary, databaseVersion } = await catalog.routing(db, collection);
  const command = {
    _shardsvrReshardCollection: request.target,
    key: request.exact('key'),
    ...given(request, RESHARDING_OPTIONS),
    databaseVersion,
    writeConcern: MAJORITY,
  };
  return visible(await connections.run(primary, 'admin', command));
};

export const listShards: Handler = async (_, { catalog }) => ({ shards: await catalog.find('shards', {}), ok: 1 });

/** Returns those of the options that the client gave. */
function given(request: Request, options: readonly string[]): Document {
  return Object.fromEntries(options.filter((name) => request.has(name)).map((name) => [name, request.exact(name)]));
}

/** Returns `find`, which names a chunk by a document's values. Bounds are given as chunks have them. */
async function hashedFind(request: Request, { key }: Document, catalog: Catalog): Promise<Document> {
  const find: Document = request.exact('find');
  return (await catalog.hashed(key, [find]))[0] ?? find;
}

async function entryOf(catalog: Catalog, namespace: string): Promise<Document> {
  const [entry] = await catalog.find('collections', { _id: namespace });
  if (!entry) throw new Refusal(118, 'NamespaceNotSharded', `${namespace} is not sharded`);
  return entry;
}

async function chunkWith(catalog: Catalog, { _id, uuid }: Document, key: Document): Promise<Document> {
  const [chunk] = await catalog.find('chunks', { uuid, min: { $lte: key }, max: { $gt: key } }, { limit: 1 });
  if (!chunk) throw new Refusal(2, 'BadValue', `no chunk of ${_id} has this key`);
  return chunk;
}
