import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onFailpoint } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { insertHidden } from '../capture/insert-hidden.ts';
import { holdAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

const skip = needsSource('6.0', 'it has no write block');

test('nothing is said to be equal at a time up to which unstreamed writes are not known', { skip }, async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection<{ _id: number }>('items');
  await items.insertOne({ _id: 0 });
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  using searching = holdAt('engine.capture.oplog-read');
  await searching.reached;
  const before = running.progress.verification.documentsRechecked;
  const hidden = (await insertHidden(pair.source.client, 1)).getHighBitsUnsigned();
  let shown = 0;
  await eventually(
    async () => {
      shown += 1;
      await items.insertOne({ _id: 100 + shown });
      const { operationTime } = await pair.source.client.db('admin').command({ ping: 1 });
      return operationTime.getHighBitsUnsigned() > hidden;
    },
    { what: 'a write in a later second' },
  );
  await running.until('the shown writes to be compared', ({ verification }) => {
    return verification.documentsRechecked >= before + shown;
  });
  const { equalAt } = running.progress.verification;
  assert.ok(equalAt === null || Date.parse(equalAt) <= hidden * 1_000, `${equalAt} is later than ${hidden}`);
  searching.release();
  await running.until('the proof', ({ verification }) => Date.parse(verification.equalAt ?? '1970') > hidden * 1_000);
  await running.commit();
  await expectIdentical(pair);
});

test('a cutover waits until a unstreamed write is compared', { skip }, async () => {
  await using pair = await startPair();
  await pair.source.client.db('shop').collection<{ _id: number }>('items').insertOne({ _id: 0 });
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  using comparing = holdAt('engine.verify.keys-compared');
  const hidden = (await insertHidden(pair.source.client, 1)).getHighBitsUnsigned();
  await comparing.reached;
  let looks = 0;
  using _looked = onFailpoint('engine.verify.destination-oplog-read', () => {
    looks += 1;
  });
  const hasCaughtUp = () =>
    running.progress.cutoverAttempts.some(({ steps }) => steps.some(({ name }) => name === 'accounts'));
  running.steering.cutOver();
  await eventually(() => looks >= 20 || hasCaughtUp(), { what: 'looks at the destination' });
  assert.equal(hasCaughtUp(), false, 'a unstreamed write is not compared');
  const { equalAt } = running.progress.verification;
  assert.ok(equalAt === null || Date.parse(equalAt) <= hidden * 1_000, `${equalAt} is later than ${hidden}`);
  comparing.release();
  assert.equal(await running.outcome, 'COMMITTED');
  await expectIdentical(pair);
});
