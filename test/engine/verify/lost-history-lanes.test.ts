import { test } from 'node:test';
import { ObjectId } from 'mongodb';
import { onFailpoint } from '../../../src/platform/index.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { hurried } from '../fixed-catalog-shop.ts';
import { holdAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

/** Several seconds of checkpoints, in which an engine that did not wait would have compared everything. */
const CHECKPOINTS = 30;

test('changes that were read before history was lost are written before anything is compared after it', async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection('items');
  await items.insertMany(numbered(20));
  // An ObjectId, because a number is read back: another number type can be the same key.
  const taken = { _id: new ObjectId() };
  await using running = RunningMigration.start(pair, { clock: hurried });
  await running.untilReady();

  using written = holdAt('engine.apply.batch-taken');
  let lost = false;
  // This falls into the gap: no event shows that the document is deleted again.
  using __ = onFailpoint('engine.capture.loss-declared', async () => {
    await items.deleteOne(taken);
    lost = true;
  });
  using ___ = onFailpoint('engine.verify.chunk-compared', () => written.release());
  let checkpoints = 0;
  using ____ = onFailpoint('engine.checkpoint.saved', () => {
    if (lost) checkpoints += 1;
    if (checkpoints === CHECKPOINTS) written.release();
  });
  const { read } = running.progress.changes;
  await items.insertOne(taken);
  await running.until('the insert to be read', ({ changes }) => changes.read > read);
  const stream = { failCommands: ['getMore'], namespace: 'admin.$cmd.aggregate', appName: 'linkspan-source' };
  await pair.source.failCommand({ mode: { times: 1 }, data: { ...stream, errorCode: 286 } });
  await running.until('the repair', ({ repairs }) => repairs?.declared === 1 && repairs.collectionsDone === 1);
  await running.commit();
  await expectIdentical(pair);
});
