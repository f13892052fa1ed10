import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Inventory } from '../../src/agent/inventory.ts';
import { preflight } from '../../src/engine/index.ts';
import { newId, silentLogger } from '../../src/platform/index.ts';
import { syncOnce } from '../engine/running-migration.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { rolesOnSharded } from '../support/least-privilege.ts';
import { startReplicaSet } from '../support/replica-set.ts';
import { identified } from '../support/seeds.ts';
import { startShardedCluster } from '../support/sharded-cluster.ts';
import { ordersOf, shardInTwo } from './sharded-shop.ts';

test('a user with the roles of an agent sees a sharded deployment, and migrates it', async () => {
  await using source = await startShardedCluster({ auth: true });
  await using destination = await startReplicaSet();
  await source.createDatabase('shop', source.shards[0]?.name ?? '');
  await shardInTwo(source, 'shop.orders', { _id: 50 });
  await ordersOf(source).insertMany(identified(100, { n: 1 }));
  await source.createUser('migrator', 'secret', await rolesOnSharded(source));
  const uri = source.uriFor('migrator', 'secret');

  const projects = [{ id: 'a'.repeat(24), name: 'p', deployments: [{ name: 'sharded', uri }] }];
  const configuration = { host: 'here', dataDir: '', plainHttp: 'loopback', projects } as const;
  const [project] = await new Inventory(configuration, silentLogger).take();
  const [deployment] = project?.deployments ?? [];
  assert.equal(deployment?.sharded, true);
  assert.equal(deployment.shardsSize, 2);
  assert.equal(deployment.featureCompatibilityVersion, '6.0');
  assert.match(deployment.clusterId ?? '', /^[0-9a-f]{24}$/);
  assert.equal(deployment.oplogSizeMB, undefined);

  const options = { migrationId: newId(), dropDestination: false, logger: silentLogger };
  const findings = await preflight({ ...options, source: { uri }, destination: { uri: destination.uri } });
  assert.deepEqual(
    findings.filter(({ severity }) => severity === 'ERROR'),
    [],
  );
  assert.ok(!findings.some(({ code }) => code.startsWith('CHECK_')), JSON.stringify(findings));
  await syncOnce({ source: { uri }, destination });
  await expectIdentical({ source, destination });
});
