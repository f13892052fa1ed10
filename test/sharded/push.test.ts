import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { MongoClient } from 'mongodb';
import { shownCutoverReport } from '../../src/contract/index.ts';
import { PushSetup } from '../end-to-end/push-setup.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { rolesOnSharded } from '../support/least-privilege.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { startReplicaSet } from '../support/replica-set.ts';
import { identified } from '../support/seeds.ts';
import { startShardedCluster } from '../support/sharded-cluster.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { ordersOf, shardInTwo } from './sharded-shop.ts';

async function bundleOf(dataDirectory: string): Promise<string> {
  using folder = temporaryFolder('bundle');
  const file = join(folder.path, 'bundle.json');
  await using bundling = runLinkspan(['support-bundle', '--data-dir', dataDirectory, '--file', file]);
  assert.equal((await bundling.exit).code, 0, bundling.stderr);
  return readFileSync(file, 'utf8');
}

test('a sharded cluster is offered as one, and a client of Atlas migrates it through the cutover', async () => {
  await using source = await startShardedCluster({ auth: true, routers: 2 });
  await using destination = await startReplicaSet({ auth: true });
  await source.createDatabase('shop', source.shards[0]?.name ?? '');
  await shardInTwo(source, 'shop.orders', { _id: 500 });
  const orders = ordersOf(source);
  await orders.insertMany(identified(1_000, { n: 1 }));
  await source.createUser('migrator', 'secret', await rolesOnSharded(source));
  await source.createUser('shop', 'secret', ['readWriteAnyDatabase']);
  await using setup = await PushSetup.create({ source, destination }, source.uriFor('migrator', 'secret'));
  await setup.serve();
  await setup.register({ source, destination });
  const agent = setup.agent();
  await setup.start();

  const [project] = await setup.availableProjects();
  const [deployment] = project.deployments;
  assert.equal(deployment.name, 'orders');
  assert.deepEqual([deployment.sharded, deployment.shardsSize], [true, 2]);
  assert.match(deployment.clusterId, /^[0-9a-f]{24}$/);
  // No router shows the oplogs of the shards.
  assert.ok(!('oplogSizeMB' in deployment));

  await using mover = source.mover('shop.orders');
  await setup.until('ready for cutover', ({ readyForCutover }) => readyForCutover);
  await orders.updateMany({}, { $inc: { n: 1 } });
  await setup.until('ready for cutover', ({ readyForCutover }) => readyForCutover);
  await mover.stop();
  const codes = (await setup.show()).linkspan.findings.map(({ code }: { code: string }) => code);
  for (const code of ['SHARDED_SOURCE_EXPERIMENTAL', 'SHARDED_BLOCK_WAITS']) assert.ok(codes.includes(code), code);
  // The progress says that instead, as long as it is true.
  assert.ok(!codes.includes('SHARD_OPLOGS_UNSEEN'));
  // The user is known to routers only.
  const { shards } = (await setup.show()).linkspan.progress;
  assert.deepEqual([shards[0].shard, shards[0].whyUnknown], ['shard0', 'the user cannot log in there']);
  const bundled = await bundleOf(setup.dataDirectory);
  const unknown = { isKnown: false, oplog: null, rates: null, pingMs: null };
  assert.deepEqual(JSON.parse(bundled).organizations[0].migrations[0].progress.shards, [unknown, unknown]);
  for (const name of ['shard0', 'log in', '127.0.0.1', 'orders']) assert.ok(!bundled.includes(name), name);
  await setup.cutOver();
  await setup.until('complete', ({ status }) => status === 'COMPLETE');
  const report = shownCutoverReport.parse(await setup.ask('GET', 'cutoverReport'));
  assert.deepEqual([report.isComplete, report.verification.result], [true, 'EQUAL']);
  await expectIdentical({ source, destination });
  await using users = new MongoClient(source.uriFor('shop', 'secret'));
  await assert.rejects(users.db('shop').collection('orders').insertOne({}), /User writes blocked/);
  assert.doesNotMatch(agent.stderr, /INTERNAL_ERROR|replica set/);
});
