import { type Document, Long } from 'mongodb';
import { MAJORITY } from './catalog.ts';
import type { Handler } from './context.ts';
import { decodeExactly, encodeElements } from './elements.ts';
import { accepted, Refusal, visible } from './refusal.ts';

const OF_SERVERS = ['admin', 'config', 'local'];

/** Answers `create` and `createIndexes`: on the shards that own chunks, or on the database's primary shard. */
export const createOnOwners: Handler = async (request, { catalog, connections, transactions }) => {
  const routing = await catalog.routing(request.db, request.target, { create: true });
  const shards = routing.sharded ? [...routing.sharded.versions.keys()] : [routing.primary];
  const replies = await Promise.all(
    shards.map(async (shard) => {
      const elements = transactions.elementsFor(request, routing, shard);
      return visible(decodeExactly(await connections.send(shard, elements, request.sequences)));
    }),
  );
  const failed = replies.find(({ ok }) => !Number(ok));
  if (failed) return failed;
  const raw = Object.fromEntries(shards.map((shard, n) => [shard, replies[n]]));
  return request.name === 'createIndexes' ? { raw, ok: 1 } : { ok: 1 };
};

/** Returns the handler of a command that the database's primary shard carries out on all shards. */
export function onPrimaryShard(command: string): Handler {
  return async (request, { catalog, connections }) => {
    try {
      const collection = request.name === 'dropDatabase' ? '' : request.target;
      const { primary, databaseVersion } = await catalog.routing(request.db, collection);
      const more = encodeElements({ databaseVersion, writeConcern: MAJORITY });
      const elements = [request.as(command), ...request.rest('writeConcern', 'lsid'), ...more];
      return visible(decodeExactly(await connections.send(primary, elements)));
    } catch (error) {
      if (!(error instanceof Refusal) || error.reply.code !== 26) throw error;
      if (request.name === 'dropDatabase') return { ok: 1 };
      if (request.name === 'drop') throw new Refusal(26, 'NamespaceNotFound', 'ns not found');
      throw error;
    }
  };
}

export const renameCollection: Handler = async (request, { catalog, connections }) => {
  const [db, collection] = split(request.target);
  const { primary, databaseVersion } = await catalog.routing(db, collection);
  const command = {
    _shardsvrRenameCollection: collection,
    to: request.get('to'),
    dropTarget: request.get('dropTarget') ?? false,
    collectionUUID: request.get('collectionUUID'),
    databaseVersion,
    writeConcern: MAJORITY,
  };
  return visible(await connections.run(primary, db, command));
};

/** Answers `listCollections` and `listIndexes` from one shard that has them. */
export const listOnOwner: Handler = async (request, { catalog, connections, cursors }) => {
  try {
    const { primary, sharded } = await catalog.routing(
      request.db,
      request.name === 'listIndexes' ? request.target : '',
    );
    const shard = sharded?.versions.keys().next().value ?? primary;
    const reply = await connections.send(shard, [request.as(request.name), ...request.rest()]);
    return cursors.note(reply, { shard, getMore: 'getMore' });
  } catch (error) {
    if (!(error instanceof Refusal) || request.name !== 'listCollections') throw error;
    return { cursor: { id: Long.ZERO, ns: `${request.db}.$cmd.listCollections`, firstBatch: [] }, ok: 1 };
  }
};

/** Answers `listDatabases`: with the shards' databases, and those of the config server. */
export const listDatabases: Handler = async (request, { catalog, connections }) => {
  const all = new Map<string, Document>();
  const add = (reply: Document, isMine: (name: string) => boolean) => {
    for (const { name, sizeOnDisk, empty } of accepted(reply).databases) {
      if (!isMine(name)) continue;
      all.set(name, { name, sizeOnDisk: Number(sizeOnDisk ?? 0) + (all.get(name)?.sizeOnDisk ?? 0), empty });
    }
  };
  const { filter, nameOnly } = { filter: request.exact('filter'), nameOnly: request.get('nameOnly') === true };
  const command = { listDatabases: 1, filter, nameOnly };
  const shards = await catalog.shards();
  const replies = await Promise.all(shards.map((shard) => connections.run(shard, 'admin', command)));
  for (const reply of replies) add(reply, (name) => !OF_SERVERS.includes(name));
  add(await catalog.run('admin', command), (name) => name === 'admin' || name === 'config');
  const databases = [...all.values()];
  if (nameOnly) return { databases: databases.map(({ name }) => ({ name })), ok: 1 };
  return { databases, totalSize: databases.reduce((sum, { sizeOnDisk }) => sum + sizeOnDisk, 0), ok: 1 };
};

/** Splits a namespace into its database and its collection. */
export function split(namespace: string): [string, string] {
  const dot = namespace.indexOf('.');
  return [namespace.slice(0, dot), namespace.slice(dot + 1)];
}
