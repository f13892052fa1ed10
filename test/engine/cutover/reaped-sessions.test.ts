import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId, onFailpoint } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { startPair } from '../../support/replica-set.ts';
import { RunningMigration } from '../running-migration.ts';

test('a destination that forgot the sessions during a long conversion accepts the last writes of the migration', async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection('items');
  await items.insertMany([{ n: 1 }, { n: 2 }]);
  await items.createIndex({ n: 1 }, { unique: true });
  const migrationId = newId();
  {
    await using first = RunningMigration.start(pair, { migrationId });
    using _ = onFailpoint('engine.cutover.committed', async () => {
      void first.stop();
    });
    await first.untilReady();
    first.steering.cutOver();
    assert.equal(await first.outcome, 'STOPPED');
  }

  const { client } = pair.destination;
  const transactions = client.db('config').collection('transactions');
  let forgotten = 0;
  using _ = onFailpoint('engine.change.collMod', async () => {
    // A server does this itself to a session that was not used for 30 minutes. Unacknowledged, because an acknowledgement would need a session.
    forgotten += await transactions.countDocuments();
    await transactions.deleteMany({}, { writeConcern: { w: 0 } });
    await eventually(async () => (await transactions.countDocuments()) === 0, { what: 'the sessions to be forgotten' });
  });
  await using second = RunningMigration.start(pair, { migrationId });
  assert.equal(await second.outcome, 'COMMITTED');
  assert.ok(forgotten >= 40, `${forgotten} sessions were forgotten`);
  const records = client.db('linkspan_internal').collection<{ _id: string; state: string }>('migrations');
  assert.equal((await records.findOne({ _id: migrationId }))?.state, 'COMMITTED');
  await expectIdentical(pair);
});
