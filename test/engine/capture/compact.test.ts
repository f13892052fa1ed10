import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectIdentical } from '../../support/expect-identical.ts';
import { startPair } from '../../support/replica-set.ts';
import { identified } from '../../support/seeds.ts';
import { RunningMigration } from '../running-migration.ts';

test('compact on the source, in the copy and while following, changes nothing', async () => {
  await using pair = await startPair();
  const db = pair.source.client.db('shop');
  const items = db.collection<{ _id: number; text: string }>('items');
  await items.insertMany(identified(20_000, { text: 'x'.repeat(500) }));
  await items.deleteMany({ _id: { $mod: [3, 0] } });
  const compact = async () => {
    const { ok } = await db.command({ compact: 'items', force: true });
    assert.equal(ok, 1);
  };
  await using running = RunningMigration.start(pair, { copyBytesPerSecond: 3_000_000 });
  await running.until('the copy to have begun', ({ copy }) => copy.documentsCopied > 0);
  await compact();
  await items.updateMany({ _id: { $mod: [5, 0] } }, { $set: { text: 'during the copy' } });
  await running.untilReady();
  const compacted = compact();
  await items.updateMany({ _id: { $mod: [7, 0] } }, { $set: { text: 'after it' } });
  await compacted;
  assert.equal(running.progress.copy.restarts, 0);
  await running.commit();
  await expectIdentical(pair);
});
