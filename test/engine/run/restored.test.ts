import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Collection } from 'mongodb';
import { newId } from '../../../src/platform/index.ts';
import { type BackUp, backUp } from '../../support/back-up.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { leastPrivilegeUsers } from '../../support/least-privilege.ts';
import { type ReplicaSetOptions, type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { identified } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

const skip = needsSource('6.0', 'its catalog changes meanwhile, and it has no write block');
const DOCUMENTS = 2_000;

interface Item {
  readonly _id: number;
  readonly changed?: number;
}

const itemsOf = (pair: ReplicaSetPair, side: 'source' | 'destination'): Collection<Item> =>
  pair[side].client.db('shop').collection<Item>('items');

async function startFilled(options: ReplicaSetOptions = {}): Promise<ReplicaSetPair> {
  const pair = await startPair({ source: options, destination: options });
  await itemsOf(pair, 'source').insertMany(identified(DOCUMENTS, { text: 'x'.repeat(200) }));
  await pair.source.client.db('shop').collection('dropped').insertOne({});
  return pair;
}

/** Makes a back-up of one side, and has the migration follow changes of documents and of the catalog afterwards. */
async function backUpThenChange(
  side: 'source' | 'destination',
  pair: ReplicaSetPair,
  running: RunningMigration,
): Promise<BackUp> {
  const backup = await backUp(pair[side]);
  const shop = pair.source.client.db('shop');
  const items = itemsOf(pair, 'source');
  await items.updateMany({ _id: { $lt: 50 } }, { $set: { changed: 1 } });
  await items.deleteMany({ _id: { $gte: 100, $lt: 120 } });
  await items.insertOne({ _id: DOCUMENTS });
  await shop.collection('dropped').drop();
  await shop.collection('created').insertOne({});
  const hasFollowed = async () => {
    const there = pair.destination.client.db('shop');
    const names = (await there.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name).sort();
    return names.join() === 'created,items' && (await there.collection('created').countDocuments()) === 1;
  };
  await eventually(hasFollowed, { what: 'the changes' });
  await running.untilReady();
  return backup;
}

for (const side of ['source', 'destination'] as const) {
  for (const verification of ['REPAIR', 'OFF'] as const) {
    test(`a migration with verification ${verification} whose ${side} is restored from an older backup meanwhile ends identical`, {
      skip,
    }, async () => {
      await using pair = await startFilled();
      await using running = RunningMigration.start(pair, { verification, expectsMismatches: true });
      await running.untilReady();
      using backup = await backUpThenChange(side, pair, running);
      await backup.restore();
      await running.commit();
      assert.equal(await itemsOf(pair, side).countDocuments({ changed: 1 }), side === 'source' ? 0 : 50);
      await expectIdentical(pair);
    });
  }

  test(`a migration whose ${side} is restored from an older backup while no engine runs ends identical`, {
    skip,
  }, async () => {
    await using pair = await startFilled();
    const migrationId = newId();
    await using first = RunningMigration.start(pair, { migrationId });
    await first.untilReady();
    using backup = await backUpThenChange(side, pair, first);
    await first.stop();
    await backup.restore();
    await using second = RunningMigration.start(pair, { migrationId });
    await second.commit();
    await expectIdentical(pair);
  });

  test(`a ${side} that is restored from an older backup in the write pause is not cut over to as it is`, {
    skip,
  }, async () => {
    await using pair = await startFilled();
    await using running = RunningMigration.start(pair, { expectsMismatches: true });
    await running.untilReady();
    using backup = await backUpThenChange(side, pair, running);
    using restored = onceAt('engine.cutover.drained', () => backup.restore());
    await running.commit();
    assert.ok(restored.result !== undefined);
    await expectIdentical(pair);
  });
}

// id: restored-destination-followed
test('a destination that is restored from a backup of an earlier engine is followed from there', { skip }, async () => {
  await using pair = await startFilled({ auth: true });
  const clusters = await leastPrivilegeUsers(pair);
  const migrationId = newId();
  await using first = RunningMigration.start(clusters, { migrationId });
  await first.untilReady();
  using backup = await backUp(pair.destination);
  await first.stop();
  await using second = RunningMigration.start(clusters, { migrationId });
  await second.untilReady();
  await itemsOf(pair, 'source').updateMany({ _id: { $lt: 50 } }, { $set: { changed: 1 } });
  await second.until('the changes', ({ changes }) => changes.applied >= 50);
  await backup.restore();
  await second.commit();
  await expectIdentical(pair);
});
