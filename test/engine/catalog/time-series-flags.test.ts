import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { MongoClient } from 'mongodb';
import { preflight } from '../../../src/engine/index.ts';
import { newId, silentLogger } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { MongodUnavailable } from '../../support/mongod-binary.ts';
import { MongodProcess } from '../../support/mongod-process.ts';
import { type MongodVersion, mongodOfVersion } from '../../support/mongod-versions.ts';
import { type ReplicaSet, startPair, startReplicaSet } from '../../support/replica-set.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks({ sockets: false });

test('a time series that is marked for buckets of mixed schema, before a migration or while it follows, is marked on the destination', async (t) => {
  const mongod = await binary(t, '6.0.27');
  if (mongod === undefined) return;
  await using pair = await startPair({ source: { mongod }, destination: { mongod } });
  const db = pair.source.client.db('ts');
  for (const name of ['before', 'later', 'never']) {
    await db.createCollection(name, { timeseries: { timeField: 'at' } });
    await db.collection(name).insertOne({ at: new Date(), x: 1 });
  }
  await db.command({ collMod: 'before', timeseriesBucketsMayHaveMixedSchemaData: true });
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  await db.command({ collMod: 'later', timeseriesBucketsMayHaveMixedSchemaData: true });
  await db.command({ collMod: 'later', timeseries: { granularity: 'minutes' } });
  await running.commit();
  const marked = await Promise.all(['before', 'later', 'never'].map((name) => isMarked(pair.destination.client, name)));
  assert.deepEqual(marked, [true, true, false]);
});

test('a time series of a source that was upgraded from 5.0 answers queries as there, or is refused by name', async (t) => {
  const [old, able] = [await binary(t, '5.0.4'), await binary(t, '6.0.27')];
  const plain = await binary(t, '6.0.5');
  if (old === undefined || able === undefined || plain === undefined) return;
  await using source = await startUpgraded(old, plain);
  assert.equal(await isMarked(source.client, 'm'), true);
  {
    await using destination = await startReplicaSet({ mongod: plain });
    const options = { migrationId: newId(), dropDestination: false, logger: silentLogger };
    const findings = await preflight({
      ...options,
      source: { uri: source.uri },
      destination: { uri: destination.uri },
    });
    const finding = findings.find(({ code }) => code === 'UNSUPPORTED_NAMESPACE');
    assert.equal(finding?.namespace, 'ts.m');
    await using running = RunningMigration.start({ source: { uri: source.uri }, destination });
    await assert.rejects(running.outcome, /ts\.m.*MayHaveMixedSchemaData/);
  }
  await using destination = await startReplicaSet({ mongod: able });
  await using running = RunningMigration.start({ source: { uri: source.uri }, destination });
  await running.commit();
  for (const query of [
    { x: { $gt: 10 } },
    { x: { $lt: 60 } },
    { x: { $gt: 40, $lt: 60 } },
    { 'x.y': { $gte: 1 } },
    { x: 70 },
  ]) {
    const count = async ({ client }: Pick<ReplicaSet, 'client'>) =>
      (await client.db('ts').collection('m').find(query).toArray()).length;
    assert.equal(await count(destination), await count(source), JSON.stringify(query));
  }
});

/** The path of a server of that version. Where it can't be had, the test is skipped, and says so. */
async function binary(t: TestContext, version: MongodVersion): Promise<string | undefined> {
  try {
    return await mongodOfVersion(version);
  } catch (error) {
    if (!(error instanceof MongodUnavailable)) throw error;
    t.skip(error.message);
    return undefined;
  }
}

async function isMarked(client: MongoClient, name: string): Promise<unknown> {
  const buckets = client.db('ts').collection(`system.buckets.${name}`);
  const [entry] = await buckets.aggregate([{ $listCatalog: {} }]).toArray();
  return entry?.md?.timeseriesBucketsMayHaveMixedSchemaData;
}

/** A set whose time series was made by an old server: values of several types in one bucket. */
async function startUpgraded(
  oldMongod: string,
  newMongod: string,
): Promise<AsyncDisposable & { readonly uri: string; readonly client: MongoClient }> {
  await using resources = new AsyncDisposableStack();
  const folder = resources.use(temporaryFolder('upgraded'));
  const dbPath = join(folder.path, 'db');
  mkdirSync(dbPath);
  const args = ['--replSet', 'upgraded', '--dbpath', dbPath, '--wiredTigerCacheSizeGB', '0.25', '--nounixsocket'];
  const connect = (port: number) => new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`);
  const isPrimary = (client: MongoClient) =>
    eventually(async () => (await client.db('admin').command({ hello: 1 })).isWritablePrimary, {
      what: 'a primary',
    });
  {
    const old = await MongodProcess.start(args, oldMongod);
    await using client = connect(old.port);
    const members = [{ _id: 0, host: `127.0.0.1:${old.port}` }];
    await client.db('admin').command({ replSetInitiate: { _id: 'upgraded', members } });
    await isPrimary(client);
    const db = client.db('ts');
    await db.createCollection('m', { timeseries: { timeField: 'at', metaField: 'k' } });
    const values = [1, 'a', 50, { y: 1 }, [1, 70], new Date(0)];
    const at = (n: number) => new Date(1_700_000_000_000 + n * 1_000);
    await db.collection('m').insertMany(values.map((x, n) => ({ at: at(n), k: 1, x })));
    await old.kill('SIGTERM');
  }
  const mongod = await MongodProcess.start(args, newMongod);
  resources.defer(() => mongod.kill());
  const client = connect(mongod.port);
  resources.defer(() => client.close());
  const { config } = await client.db('admin').command({ replSetGetConfig: 1 });
  config.members[0].host = `127.0.0.1:${mongod.port}`;
  config.version += 1;
  await client.db('admin').command({ replSetReconfig: config, force: true });
  await isPrimary(client);
  await client.db('admin').command({ setFeatureCompatibilityVersion: '6.0' });
  const kept = resources.move();
  const uri = `mongodb://127.0.0.1:${mongod.port}/?replicaSet=upgraded`;
  return { uri, client, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
