import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { MongoClient } from 'mongodb';
import { shownCutoverReport } from '../../src/contract/index.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { rolesOnSharded } from '../support/least-privilege.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { startReplicaSet } from '../support/replica-set.ts';
import { identified } from '../support/seeds.ts';
import { startShardedCluster } from '../support/sharded-cluster.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { ordersOf, shardInTwo } from './sharded-shop.ts';

/** Idle shards hold up a change stream until their next no-op, which is 10 s by default. */
const QUICK = { periodicNoopIntervalSecs: 1 };

test('sync, verify and digest run against a sharded source, and call it one', async () => {
  // Documents that moved away stay on their former shard for the whole test.
  const options = { auth: true, routers: 2, setParameters: QUICK, orphanSeconds: 600 };
  await using source = await startShardedCluster(options);
  await using destination = await startReplicaSet();
  await source.createDatabase('shop', source.shards[0]?.name ?? '');
  const people = Array.from({ length: 1_000 }, (_, n) => ({ _id: n, region: n % 2 ? 'asia' : 'europe' }));
  const customers = source.client.db('shop').collection<{ _id: number; region: string }>('customers');
  await customers.insertMany(people);
  await customers.createIndex({ region: 1 });
  await shardInTwo(source, 'shop.customers', { region: 'b' });
  await shardInTwo(source, 'shop.orders', { _id: 500 });
  await ordersOf(source).insertMany(identified(1_000, { n: 1 }));
  await ordersOf(source).createIndex({ n: 1 });
  await source.createUser('migrator', 'secret', await rolesOnSharded(source));
  await source.createUser('shop', 'secret', ['readWriteAnyDatabase']);
  const uri = source.uriFor('migrator', 'secret');
  const clusters = ['--cluster0', uri, '--cluster1', destination.uri];
  const run = async (expected: number, ...args: readonly string[]) => {
    await using linkspan = runLinkspan(args);
    assert.equal((await linkspan.exit).code, expected, linkspan.stdout + linkspan.stderr);
    return linkspan.stdout + linkspan.stderr;
  };

  const once = await run(0, 'sync', ...clusters, '--once');
  assert.match(once, /^documents +2,000$/m);
  assert.match(once, /Verified: equal at .* for 2,000 documents in 2 collections\. Nothing differs\.$/m);
  await expectIdentical({ source, destination });

  using folder = temporaryFolder('reports');
  const [ofSource, ofDestination] = ['source.json', 'destination.json'].map((name) => join(folder.path, name));
  const digested = await run(0, 'digest', uri, '--report', ofSource ?? '');
  assert.match(digested, /^Digest of the sharded cluster [0-9a-f]{24} at 127\.0\.0\.1:\d+, MongoDB 6\./m);
  assert.match(digested, /^ {2}claim +at cluster time\. .* No write came after it while the digest was made\.$/m);
  await run(0, 'digest', destination.uri, '--report', ofDestination ?? '');
  const compared = await run(0, 'verify', '--reports', ofSource ?? '', ofDestination ?? '');
  assert.match(
    compared,
    /^first: sharded cluster .*\nsecond: replica set .*\nThe reports are equal: 2 collections with 2,000 documents\.$/m,
  );

  const verified = await run(0, 'verify', uri, destination.uri, '--settle-seconds', '0.5');
  assert.match(verified, /^Equal\. Both sides have the same 2,000 documents in 2 collections, byte for byte/m);
  assert.match(verified, /No router shows the oplogs of the source's shards: the result holds only if/);
  assert.doesNotMatch(verified, /may not read/);

  await using live = runLinkspan(['sync', ...clusters, '--drop-destination', 'cluster1', '--port', '0']);
  const [, url] = await live.waitForLine(/API is ready at (\S+)$/);
  const ask = async (call: string, body?: object): Promise<unknown> => {
    const request = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    return await (await fetch(`${url}/${call}`, request)).json();
  };
  assert.deepEqual(await ask('start', { source: 'cluster0', destination: 'cluster1' }), { success: true });
  await live.waitForLine(/^ready to cut over: /);
  await ordersOf(source).insertOne({ _id: 5_000, n: 2 });
  assert.deepEqual(await ask('commit', {}), { success: true });
  await live.waitForLine(/^complete: /);
  await using users = new MongoClient(source.uriFor('shop', 'secret'));
  await assert.rejects(users.db('shop').collection('orders').insertOne({}), /User writes blocked/);
  const { isComplete, verification } = shownCutoverReport.parse(await ask('cutoverReport'));
  assert.deepEqual([isComplete, verification.result], [true, 'EQUAL']);
  live.kill('SIGINT');
  assert.equal((await live.exit).code, 0, live.stderr);
  assert.doesNotMatch(live.stdout + live.stderr, /replica set|INTERNAL_ERROR/);
  await expectIdentical({ source, destination });

  // The root user writes through the block.
  await customers.insertOne({ _id: 7, region: 'europe' });
  const refused = await run(2, 'digest', uri);
  assert.match(refused, /shop\.customers has documents with the same _id 7 on two shards.*\[ID_ON_TWO_SHARDS\]/);
});
