import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId, onFailpoint } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSet, startPair } from '../../support/replica-set.ts';
import { rollOplog, smallOplog } from '../../support/roll-oplog.ts';
import { emptyPair, identified } from '../../support/seeds.ts';
import { hurried } from '../fixed-catalog-shop.ts';
import { holdAt, onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks({ sockets: false });

// id: stream-continues-in-repair
test('the stream continues during a repair after lost history, however many documents change', async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection<{ _id: number }>('items');
  await items.insertMany(identified(MANY, { n: 0 }));
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  using repairing = holdAt('engine.verify.chunk-compared');
  await loseHistory(pair.source);
  await repairing.reached;
  const { read } = running.progress.changes;
  await items.updateMany({}, { $inc: { n: 1 } });
  await running.until('the changes to be read', ({ changes }) => changes.read >= read + MANY);
  repairing.release();
  await running.commit();
  await expectIdentical(pair);
});

test('after lost history', async (t) => {
  await using pair = await startPair({ source: smallOplog });
  const items = pair.source.client.db('shop').collection<{ _id: number }>('items');
  const refill = async (count: number) => {
    await emptyPair(pair);
    await items.insertMany(identified(count, { n: 0 }));
  };

  // id: waiting-document-and-checkpoint
  await t.test('a document that waited to be compared does not keep the checkpoint before the loss', async () => {
    await refill(10);
    const migrationId = newId();
    using comparing = holdAt('engine.verify.range-compared', { times: 1 });
    await using _first = RunningMigration.start(pair, { migrationId, clock: hurried });
    await comparing.reached;
    using rechecking = holdAt('engine.verify.keys-compared', { times: 1 });
    await items.updateOne({ _id: 1 }, { $inc: { n: 1 } });
    await rechecking.reached;
    using reopened = onceAt('engine.capture.position-fixed-anew', async () => undefined);
    await loseHistory(pair.source);
    await eventually(() => reopened.result !== undefined, { what: 'another stream' });
    let searches = 0;
    let checkpoints = 0;
    using _searches = onFailpoint('engine.capture.unstreamed-writes-recorded', () => {
      searches += 1;
    });
    using _saved = onFailpoint('engine.checkpoint.saved', () => {
      checkpoints += 1;
    });
    await rollOplog(pair.source, async () => {
      const before = searches;
      await eventually(() => searches > before, { what: 'a search for unstreamed writes' });
    });
    const before = checkpoints;
    await eventually(() => checkpoints >= before + 2, { what: 'checkpoints' });
    await using second = RunningMigration.start(pair, { migrationId });
    await second.untilReady();
    assert.equal(second.progress.repairs?.declared, 1);
    await second.commit();
    await expectIdentical(pair);
  });

  // id: compared-anew-after-repair
  await t.test('a collection is compared anew as a whole when its repair has ended', async () => {
    await refill(500);
    await using running = RunningMigration.start(pair, { expectsMismatches: true });
    await running.untilReady();
    using _ = onceAt('engine.verify.chunk-compared', () => damage(9));
    await loseHistory(pair.source);
    await running.until('the repair', ({ repairs }) => repairs?.declared === 1 && repairs.collectionsDone === 1);
    await running.commit();
    assert.equal(running.progress.verification.mismatches.found, 1);
    await expectIdentical(pair);
  });

  for (const [when, point] of SUCCEEDED_AT) {
    await t.test(`a successor compares a collection anew as a whole: ${when}`, async () => {
      await refill(500);
      const migrationId = newId();
      await using first = RunningMigration.start(pair, { migrationId, clock: hurried });
      await first.untilReady();
      let isHeld = false;
      using held = holdAt(point, { times: 1 });
      void held.reached.then(() => {
        isHeld = true;
      });
      await loseHistory(pair.source);
      await eventually(() => isHeld, { what: point });
      let checkpoints = 0;
      using _saved = onFailpoint('engine.checkpoint.saved', () => {
        checkpoints += 1;
      });
      await eventually(() => checkpoints >= CHECKPOINTS, { what: 'checkpoints' });
      let compared = 0;
      using _ = onFailpoint('engine.verify.range-compared', () => {
        compared += 1;
      });
      await using second = RunningMigration.start(pair, { migrationId });
      await second.untilReady();
      held.release();
      assert.ok(compared > 0);
      await second.commit();
      await expectIdentical(pair);
    });
  }

  /** Changes a document on the destination alone. */
  async function damage(_id: number): Promise<void> {
    const destination = pair.destination.client.db('shop').collection<{ _id: number }>('items');
    await destination.updateOne({ _id }, { $set: { n: -1 } });
  }
});

/** The points at which another engine takes the migration. */
const SUCCEEDED_AT = [
  ['before the verification is off record', 'engine.write.delete.verifications'],
  ['before the repair is on record', 'engine.verify.chunk-compared'],
  ['before the comparison after the repair', 'engine.verify.range-compared'],
] as const;

/** Several seconds of checkpoints, in which an engine that did not wait would have ended the repair. */
const CHECKPOINTS = 30;

/** More changes than keys may wait to be compared, in more than two replies of the stream. */
const MANY = 70_000;

async function loseHistory(source: ReplicaSet): Promise<void> {
  const stream = { failCommands: ['getMore'], namespace: 'admin.$cmd.aggregate', appName: 'linkspan-source' };
  await source.failCommand({ mode: { times: 1 }, data: { ...stream, errorCode: 286 } });
}
