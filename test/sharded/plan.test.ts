import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectCluster } from '../../src/engine/mongodb/connect.ts';
import { checkCluster } from '../../src/engine/preflight/checks/versions.ts';
import { describeCluster } from '../../src/engine/preflight/inspect-cluster.ts';
import { rolesOnSharded } from '../support/least-privilege.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { startReplicaSet } from '../support/replica-set.ts';
import { startShardedCluster } from '../support/sharded-cluster.ts';
import { shardInTwo } from './sharded-shop.ts';

interface Customer {
  _id: number;
  region: string;
}

interface Plan {
  readonly source: { readonly sharded: boolean; readonly shards: number };
  readonly findings: readonly { readonly code: string; readonly severity: string; readonly message: string }[];
}

test('a plan of a sharded source names equal _ids, index filters of shards and missing privileges', async () => {
  await using source = await startShardedCluster({ auth: true, routers: 2 });
  await using destination = await startReplicaSet();
  await source.createDatabase('shop', source.shards[0]?.name ?? '');
  const shop = source.client.db('shop');
  const people = Array.from({ length: 200 }, (_, n) => ({ _id: n, region: n % 2 ? 'asia' : 'europe' }));
  const middles = { customers: { region: 'b' }, other: { region: 'b' }, byId: { _id: 100 } };
  for (const [name, middle] of Object.entries(middles)) {
    await shardInTwo(source, `shop.${name}`, middle);
    await shop.collection<Customer>(name).insertMany(people);
  }
  await shop.collection<Customer>('customers').insertMany([
    { _id: 40, region: 'asia' },
    { _id: 98, region: 'asia' },
  ]);
  // A shard's own server, and not the first one.
  const filter = { planCacheSetFilter: 'other', query: { region: 'asia' }, indexes: [{ _id: 1 }] };
  await source.shards[1]?.client.db('shop').command(filter);
  const plan = async (...args: readonly string[]) => {
    await using linkspan = runLinkspan(['plan', ...args, destination.uri]);
    assert.equal((await linkspan.exit).code, 0, linkspan.stdout + linkspan.stderr);
    return linkspan.stdout;
  };

  await source.createUser('migrator', 'secret', await rolesOnSharded(source));
  const text = await plan(source.uriFor('migrator', 'secret'));
  assert.match(text, /^source +MongoDB 6\.\S+ at 127\.0\.0\.1:\d+, a router of a sharded cluster with 2 shards$/m);
  assert.match(text, /^collections +3, and 0 views$/m);
  assert.match(text, /^documents +602$/m);
  assert.match(text, /shop\.customers has documents with the same _id on two shards: 2 of 200 sampled _ids/);
  const region = '\\{"region":"(asia|europe)"\\}';
  for (const id of [40, 98]) assert.match(text, new RegExp(` ${id} \\(shard keys ${region} and ${region}\\)`));
  assert.doesNotMatch(text, /CHECK_/);
  assert.match(text, /^Nothing stops this migration\.$/m);

  const told: Plan = JSON.parse(await plan('--output', 'json', source.uri));
  assert.deepEqual([told.source.sharded, told.source.shards], [true, 2]);
  const messages = (code: string) => told.findings.filter((one) => one.code === code).map(({ message }) => message);
  assert.deepEqual(messages('INDEX_FILTERS_LEFT'), [
    "The source has index filters for shop.other. They are in the memory of its shards' primaries, so they are not migrated.",
  ]);
  assert.deepEqual(
    messages('EQUAL_IDS').map((message) => message.split(' ')[0]),
    ['shop.customers'],
  );

  const onCluster = ['appendOplogNote', 'listDatabases', 'inprog', 'setUserWriteBlockMode'];
  const privileges = [{ resource: { cluster: true }, actions: onCluster }];
  const admin = source.client.db('admin');
  await admin.command({ createRole: 'blind', privileges, roles: ['readAnyDatabase'] });
  await admin.command({ createUser: 'blind', pwd: 'secret', roles: ['blind'], writeConcern: { w: 'majority' } });
  const lacking = async () => {
    const client = await connectCluster({ uri: source.uriFor('blind', 'secret') }, 'source');
    try {
      return checkCluster(await describeCluster(client), 'source', {}).map(({ error }) => error.message);
    } finally {
      await client.close();
    }
  };
  assert.deepEqual(await lacking(), [
    'User admin.blind on the source lacks privileges: find on the database config; killop on the cluster; insert, update on admin.linkspan_write_block.',
  ]);
  await admin.command({ grantRolesToUser: 'blind', roles: ['clusterMonitor', 'linkspanBlock'] });
  assert.deepEqual(await lacking(), []);
});
