import assert from 'node:assert/strict';
import { test } from 'node:test';
import { probeClusters } from '../../src/engine/index.ts';
import { startReplicaSet } from '../support/replica-set.ts';
import { startShardedCluster } from '../support/sharded-cluster.ts';

test('a probe of a sharded source says which facts a router does not show, and refuses a sharded destination', async () => {
  await using sharded = await startShardedCluster();
  await using set = await startReplicaSet();
  const probe = async (source: string, destination: string) =>
    await probeClusters(
      { source: { uri: source }, destination: { uri: destination }, isScratch: false },
      new AbortController().signal,
    );
  const { facts } = await probe(sharded.uri, set.uri);
  assert.deepEqual(
    facts.filter(({ verdict }) => verdict !== 'AS_EXPECTED').map(({ side, name, why }) => [side, name, why]),
    ['FEATURE_COMPATIBILITY_VERSION', 'WRITE_BLOCK_MODE', 'OPLOG_STATISTICS'].map((name) => [
      'SOURCE',
      name,
      'a router does not show it',
    ]),
  );
  await assert.rejects(probe(set.uri, sharded.uri), { code: 'SHARDED_CLUSTER' });
});
