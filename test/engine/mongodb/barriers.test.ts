import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeBarrier } from '../../../src/engine/mongodb/cluster-time.ts';
import { onFailpoint } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { isolatePrimary } from '../../support/lagging-member.ts';
import { startPair } from '../../support/replica-set.ts';
import { RunningMigration, syncOnce } from '../running-migration.ts';

// id: no-barrier-without-majority
test('what the majority of the source may never have is no barrier, and no position to begin at', async () => {
  await using pair = await startPair({ source: { members: 3 } });
  const { client } = pair.source;
  await client
    .db('shop')
    .collection('c')
    .insertOne({ n: 1 }, { writeConcern: { w: 'majority' } });
  await client.db('admin').command({ setDefaultRWConcern: 1, defaultWriteConcern: { w: 1 } });
  await using primary = pair.source.clientOf(await pair.source.primary());
  const notes = () => primary.db('local').collection('oplog.rs').countDocuments({ 'o.linkspan': 'barrier' });

  const isolated = await isolatePrimary(pair.source);
  let passed = false;
  const barrier = writeBarrier(client).then(() => {
    passed = true;
  });
  await eventually(async () => (await notes()) === 1, { what: 'the note' });
  let fixed = false;
  using _ = onFailpoint('engine.prepare.position-fixed', () => {
    fixed = true;
  });
  await using running = RunningMigration.start(pair);
  await eventually(async () => fixed || (await notes()) > 1, { what: 'the migration to begin' });
  assert.deepEqual({ passed, fixed }, { passed: false, fixed: false });

  await isolated[Symbol.asyncDispose]();
  await barrier;
  await running.untilReady();
});

test('a barrier of a source that writes nothing by itself is passed', async () => {
  await using pair = await startPair({ source: { setParameters: { writePeriodicNoops: false } } });
  await pair.source.client.db('shop').collection('c').insertOne({ n: 1 });
  await syncOnce(pair);
});
