import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onFailpoint } from '../../../src/platform/index.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

for (const drop of [true, false]) {
  test(`a cancelled migration ends permanently and ${drop ? 'drops' : 'keeps'} what it copied`, async () => {
    await using pair = await startPair({ destination: { auth: true } });
    await fill(pair);
    await using running = RunningMigration.start(pair);
    await running.untilReady();
    await running.steering.cancel(drop);
    assert.equal(await running.outcome, 'CANCELLED');
    assert.equal(running.progress.state, 'CANCELLED');
    const items = pair.destination.client.db('shop').collection('items');
    assert.equal(await items.countDocuments(), drop ? 0 : 2_000);
    await pair.destination.createUser('app', 'secret', ['readWriteAnyDatabase']);
    await items.insertOne({ blocked: false });

    await using again = RunningMigration.start(pair, {
      migrationId: running.progress.migrationId,
      dropDestination: true,
    });
    assert.equal(await again.outcome, 'CANCELLED', 'a later run does not resume it');
    const { copy, changes, left } = running.progress;
    assert.equal(copy.documentsCopied, drop ? 0 : 2_000);
    assert.equal(left?.collections, drop ? 0 : 1);
    assert.deepEqual([again.progress.copy, again.progress.changes, again.progress.left], [copy, changes, left]);
  });
}

test('the load level changes how many ranges are copied at a time, while they are', async () => {
  await using pair = await startPair();
  for (let n = 0; n < 8; n += 1) await pair.source.client.db('shop').collection(`items${n}`).insertMany(numbered(500));
  let copying = 0;
  let most = 0;
  const release = Promise.withResolvers<void>();
  using _ = onFailpoint('engine.copy.batch-acknowledged', async () => {
    copying += 1;
    most = Math.max(most, copying);
    await release.promise;
    copying -= 1;
  });
  await using running = RunningMigration.start(pair);
  running.steering.limit({ loadLevel: 1 });
  await running.until('a range to be copied', () => copying === 1);
  running.steering.limit({ loadLevel: 3 });
  await running.until('more ranges at a time', () => copying === 4);
  release.resolve();
  await running.untilReady();
  assert.equal(most, 4);
});

async function fill(pair: ReplicaSetPair): Promise<void> {
  await pair.source.client.db('shop').collection('items').insertMany(numbered(2_000));
}
