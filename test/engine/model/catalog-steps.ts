import type { Collection, MongoClient } from 'mongodb';
import type { ModelDocument } from './document-steps.ts';
import type { CATALOG_KINDS, Namespace, Step } from './operation.ts';

type CatalogRunner = (client: MongoClient, step: Step) => Promise<unknown>;

const EXPIRES_LATE_SECONDS = 1_000_000;

/** Changes of the catalog by kind. Each key pattern has one index name, so twins that differ only in being unique cannot arise. */
export const catalogSteps: Readonly<Record<(typeof CATALOG_KINDS)[number], CatalogRunner>> = {
  create: (client, { on }) => database(client, on).createCollection(name(on)),
  createWithCollation: (client, { on }) =>
    database(client, on).createCollection(name(on), { collation: { locale: 'en', strength: 2 } }),
  createClustered: (client, { on, x }) =>
    database(client, on).createCollection(name(on), {
      clusteredIndex: { key: { _id: 1 }, unique: true },
      ...(x % 2 === 0 ? {} : { expireAfterSeconds: EXPIRES_LATE_SECONDS }),
    }),
  createCapped: (client, { on, x }) =>
    database(client, on).createCollection(name(on), {
      capped: true,
      size: 1_000_000,
      ...(x % 2 === 0 ? {} : { max: 15 }),
    }),
  drop: (client, { on }) => collectionOf(client, on).drop(),
  dropDatabase: (client, { on }) => database(client, on).dropDatabase(),
  rename: (client, { on, to }) => client.db('admin').command({ renameCollection: on, to }),
  renameOnto: (client, { on, to }) => client.db('admin').command({ renameCollection: on, to, dropTarget: true }),
  createIndex: (client, { on, x }) => collectionOf(client, on).createIndex({ z: x % 2 === 0 ? 1 : -1 }, { name: 'z' }),
  createUnique: (client, { on, x }) =>
    collectionOf(client, on).createIndex({ u: 1 }, { name: 'u', unique: x % 4 > 0, sparse: true }),
  createExpiring: (client, { on, x }) =>
    collectionOf(client, on).createIndex({ at: 1 }, { name: 'at', expireAfterSeconds: EXPIRES_LATE_SECONDS + x }),
  createWildcard: (client, { on }) => collectionOf(client, on).createIndex({ 'm.$**': 1 }, { name: 'm' }),
  dropIndexes: (client, { on, x }) => collectionOf(client, on).dropIndex(['z', 'u', 'at', 'm'][x % 4] ?? '*'),
  changeValidator: (client, { on, x }) =>
    database(client, on).command({
      collMod: name(on),
      validator: { touched: { $ne: x } },
      validationLevel: 'moderate',
    }),
  changeIndex: (client, { on, x }) =>
    database(client, on).command({
      collMod: name(on),
      index:
        x % 2 === 0 ? { name: 'z', hidden: x % 4 === 0 } : { name: 'at', expireAfterSeconds: EXPIRES_LATE_SECONDS * x },
    }),
  preImages: (client, { on, x }) =>
    database(client, on).command({ collMod: name(on), changeStreamPreAndPostImages: { enabled: x % 2 === 0 } }),
  view: (client, { on, to, x }) =>
    database(client, on).createCollection('view', { viewOn: name(to), pipeline: [{ $match: { z: x } }] }),
  dropView: (client, { on }) => database(client, on).collection('view').drop(),
  out: (client, { on, to, x }) =>
    collectionOf(client, on)
      .aggregate([{ $match: { z: { $lte: x } } }, { $out: target(to) }])
      .toArray(),
  merge: (client, { on, to }) =>
    collectionOf(client, on)
      .aggregate([{ $match: {} }, { $merge: { into: target(to) } }])
      .toArray(),
};

export function collectionOf(client: MongoClient, namespace: Namespace): Collection<ModelDocument> {
  return database(client, namespace).collection<ModelDocument>(name(namespace));
}

function database(client: MongoClient, namespace: Namespace) {
  return client.db(target(namespace).db);
}

function name(namespace: Namespace): string {
  return target(namespace).coll;
}

function target(namespace: Namespace): { readonly db: string; readonly coll: string } {
  const [db = '', coll = ''] = namespace.split('.');
  return { db, coll };
}
