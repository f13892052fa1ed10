import type { MongoClient } from 'mongodb';
import { runLinkspan } from '../../test/support/linkspan-process.ts';
import { startReplicaSet } from '../../test/support/replica-set.ts';
import { routerProgram } from '../../test/support/router/program.ts';
import { type ShardedCluster, startShardedCluster } from '../../test/support/sharded-cluster.ts';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import { type Contender, measure, report, timed } from '../rounds.ts';
import { DATABASE, settle } from '../servers.ts';
import { documentsOf, plainDataSet, writeDataSet } from './data-sets.ts';

const COLLECTION = 'orders';
const CHUNKS = 4;
const SERVERS = { cacheGigabytes: 1 };
const READ_BATCH_DOCUMENTS = 5_000;

/**
 * Compares the copy of the same data from a sharded cluster with two shards and from a replica set, and tells the cost of
 * the stand-in that routes where `LINKSPAN_MONGOS` names no `mongos`: the time of a plain read through it. It finds
 * regressions of the engine, and says nothing of the speed behind a real `mongos`.
 * @param scale  1 for 400,000 documents
 */
export async function compareSharded(scale: number, rounds: number): Promise<void> {
  const dataSet = plainDataSet(scale);
  const count = documentsOf(dataSet);
  await using sharded = await startSharded();
  await using replicaSet = await startReplicaSet(SERVERS);
  await using destination = await startReplicaSet({ ...SERVERS, oplogSizeMegabytes: 2_048 });
  await sharded.shardCollection(`${DATABASE}.${COLLECTION}`, { _id: 'hashed' }, { numInitialChunks: CHUNKS });
  for (const { client } of [sharded, replicaSet]) await writeDataSet(client, dataSet, 2);

  const readAll = async (clients: readonly MongoClient[]) => {
    const read = (await Promise.all(clients.map(readPlainly))).reduce((sum, documents) => sum + documents, 0);
    if (read !== count) throw new Error(`${read} documents were read`);
  };
  const reading = (name: string, clients: readonly MongoClient[]): Contender => {
    return { name, run: () => timed(() => readAll(clients)) };
  };
  const directly = sharded.shards.map(({ client }) => client);
  const readers = [
    reading('through the router', [sharded.client]),
    reading('directly from both shards', directly),
    reading('from a replica set', [replicaSet.client]),
  ];
  report(`plain reads: ${dataSet.title}`, count, 'documents', await measure(readers, rounds));

  const copying = (name: string, source: string): Contender => ({
    name,
    run: async () => {
      await settle(destination.client);
      const seconds = await timed(() => copyOnce(source, destination.uri));
      const copied = await destination.client.db(DATABASE).collection(COLLECTION).countDocuments();
      if (copied !== count) throw new Error(`${name}: ${copied} documents were copied`);
      return seconds;
    },
  });
  const contenders = [
    copying('Linkspan from the sharded cluster', sharded.uri),
    copying('Linkspan from a replica set', replicaSet.uri),
  ];
  report(`copy: ${dataSet.title}`, count, 'documents', await measure(contenders, rounds));
}

/** Starts the cluster with its router as a process of its own, as in production. */
async function startSharded(): Promise<ShardedCluster> {
  const folder = temporaryFolder('bench-router');
  await using resources = new AsyncDisposableStack();
  resources.use(folder);
  process.env.LINKSPAN_MONGOS ??= routerProgram(folder.path);
  const cluster = resources.use(await startShardedCluster(SERVERS));
  const kept = resources.move();
  return { ...cluster, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** @returns the number of documents */
async function readPlainly(client: MongoClient): Promise<number> {
  const collection = client.db(DATABASE).collection(COLLECTION);
  let documents = 0;
  for await (const _ of collection.find({}, { raw: true, batchSize: READ_BATCH_DOCUMENTS })) documents += 1;
  return documents;
}

/** Runs the whole `linkspan sync` process: start, checks, copy, catching up, end. */
async function copyOnce(source: string, destination: string): Promise<void> {
  await using linkspan = runLinkspan([
    'sync',
    '--once',
    '--no-verify',
    '--cluster0',
    source,
    '--cluster1',
    destination,
  ]);
  const { code } = await linkspan.exit;
  if (code !== 0) throw new Error(`linkspan sync ended with ${code}: ${linkspan.stderr}`);
}
