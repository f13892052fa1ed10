import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { routerProgram } from '../support/router/program.ts';
import { startShardedCluster } from '../support/sharded-cluster.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('a mongos that LINKSPAN_MONGOS names is started with the cluster, killed and restarted', {
  skip: process.env.LINKSPAN_MONGOS !== undefined && 'a real one is named',
}, async () => {
  using folder = temporaryFolder('named-mongos');
  process.env.LINKSPAN_MONGOS = routerProgram(folder.path);
  await using cluster = await startShardedCluster({ routers: 2, auth: true }).finally(() => {
    delete process.env.LINKSPAN_MONGOS;
  });
  await cluster.shardCollection('shop.orders', { _id: 'hashed' }, { numInitialChunks: 4 });
  const orders = cluster.client.db('shop').collection('orders');
  await orders.insertMany([{}, {}, {}]);
  for (const router of cluster.routers) {
    await router.kill();
    assert.equal(await eventually(() => orders.countDocuments(), { what: 'the other router' }), 3);
    await router.restart();
  }
});
