import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { onFailpoint } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { identified } from '../../support/seeds.ts';
import { allowWrites } from '../../support/source-version.ts';
import { hurried } from '../fixed-catalog-shop.ts';
import { RunningMigration } from '../running-migration.ts';

describe('a document that the destination refuses', async () => {
  let pair: ReplicaSetPair;
  const shop = (side: 'source' | 'destination' = 'source') => pair[side].client.db('shop');
  before(async () => {
    pair = await startPair();
  });
  after(async () => {
    await pair[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await pair.destination.clearFailPoints();
    await allowWrites(pair.source.client);
    for (const side of ['source', 'destination'] as const) await shop(side).dropDatabase();
    for (const name of ['a', 'b'])
      await shop()
        .collection<{ _id: number; n: number }>(name)
        .insertMany(identified(500, { n: 0 }));
  });

  /** The destination refuses writes to shop.a, with a code that does not pass. */
  const refuse = async () => {
    const data = {
      failCommands: ['insert', 'update'],
      namespace: 'shop.a',
      errorCode: 2,
      appName: 'linkspan-destination',
    };
    await pair.destination.failCommand({ mode: 'alwaysOn', data });
  };
  const identical = async () => {
    await expectIdentical(pair);
  };
  const untilStuck = async (running: RunningMigration) => {
    await running.until('shop.a to be stuck', ({ waiting }) => waiting.some((wait) => wait.for === 'shop.a'));
    const { waiting, warnings, notReadyReasons, readyForCutover, state } = running.progress;
    assert.equal(waiting.length, 1, JSON.stringify(waiting));
    assert.match(
      waiting[0]?.reason ?? '',
      /shop\.a .*the destination refused (the document|a batch of \d+ documents, the first) with _id \d+: .*\(2\)/,
    );
    assert.ok(
      warnings.some((warning) => /^Waiting for shop\.a since 2.*refused/.test(warning)),
      warnings.join('\n'),
    );
    assert.equal(readyForCutover, false);
    if (state === 'FOLLOWING') assert.ok(notReadyReasons.some((reason) => reason.includes('shop.a')));
  };

  // id: refused-document-in-copy
  test('holds up the copy of its collection only, which resumes by itself once the cause is gone', async () => {
    await refuse();
    await using running = RunningMigration.start(pair, { clock: hurried });
    await untilStuck(running);
    await running.until('all others to be copied', ({ copy }) => copy.collectionsDone === 1);
    await shop().collection('b').insertOne({ late: true });
    await eventually(() => shop('destination').collection('b').findOne({ late: true }), {
      what: 'a change of the others',
    });
    await pair.destination.clearFailPoints();
    await running.untilReady();
    assert.deepEqual(running.progress.waiting, []);
    assert.equal(running.progress.copy.documentsCopied, 1_000, 'nothing was counted twice');
    await running.commit();
    await identical();
  });

  // id: refused-document-while-following
  test('holds up only its collection while following, whose changes wait safely, also across runs', async () => {
    await using running = RunningMigration.start(pair, { clock: hurried });
    await running.untilReady();
    await refuse();
    await shop()
      .collection('a')
      .updateMany({ n: 0 }, { $inc: { n: 1 } });
    await untilStuck(running);
    assert.equal(running.progress.copy.collectionsDone, 2, 'no count goes back');
    await shop()
      .collection('a')
      .updateMany({ n: 1 }, { $inc: { n: 1 } });
    await shop().collection<{ _id: number }>('a').deleteOne({ _id: 7 });
    await shop().collection('b').insertOne({ late: true });
    await eventually(() => shop('destination').collection('b').findOne({ late: true }), {
      what: 'a change of the others',
    });
    await running.until('the lag to be small all the same', ({ lagSeconds }) => lagSeconds === 0);
    assert.equal(await running.stop(), 'STOPPED');

    await using second = RunningMigration.start(pair, { migrationId: running.progress.migrationId, clock: hurried });
    await second.until('what is on record to be known', ({ state }) => state !== 'CREATED');
    assert.equal(second.progress.copy.collectionsDone, 2, 'nor in another run');
    await untilStuck(second);
    await pair.destination.clearFailPoints();
    await second.untilReady();
    await second.commit();
    await identical();
  });

  test('that comes just as its collection becomes live is not lost', async () => {
    let refused = false;
    using _ = onFailpoint('engine.copy.drained', async () => {
      if (refused) return;
      refused = true;
      await refuse();
      await shop()
        .collection('a')
        .updateMany({}, { $inc: { n: 1 } });
    });
    await using running = RunningMigration.start(pair, { clock: hurried });
    await untilStuck(running);
    await pair.destination.clearFailPoints();
    await running.commit();
    await identical();
  });

  test('fails a migration that no one attends to, with its name, once all others are done', async () => {
    await refuse();
    await using running = RunningMigration.start(pair, { clock: hurried, once: true });
    await assert.rejects(running.outcome, { code: 'NAMESPACE_CONFLICT', message: /shop\.a .*_id 0/ });
    assert.equal(await shop('destination').collection('b').countDocuments(), 500);
  });

  // id: disk-full
  test('for lack of disk space holds up every writer, and progress reports the wait', async () => {
    await using running = RunningMigration.start(pair, { clock: hurried });
    await running.untilReady();
    const data = { failCommands: ['insert', 'update'], errorCode: 14_031, appName: 'linkspan-destination' };
    await pair.destination.failCommand({ mode: 'alwaysOn', data });
    await shop().collection('a').insertOne({ late: true });
    await running.until('the destination to be out of space', ({ waiting }) =>
      waiting.some((wait) => wait.for === 'the destination' && wait.reason.startsWith('it is out of space')),
    );
    assert.equal(running.progress.readyForCutover, false);
    await pair.destination.clearFailPoints();
    await running.untilReady();
    await running.commit();
    await identical();
  });
});
