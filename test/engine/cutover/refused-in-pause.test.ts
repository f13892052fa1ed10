import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '../../../src/platform/index.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { startPair } from '../../support/replica-set.ts';
import { identified, numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

const skip = needsSource('6.0', 'it has no write block');
const REFUSED = {
  failCommands: ['insert', 'update'],
  namespace: 'shop.a',
  errorCode: 2,
  appName: 'linkspan-destination',
};
/** A write pause without an end, whose block may take any time, and short delays. */
const clock = {
  ...systemClock,
  timeout: () => new AbortController().signal,
  sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(Math.min(ms, 200), signal),
};

describe('a write pause that no one can end well is ended at once, with the reason', { skip }, () => {
  /** Has something happen right before the block is set. Returns the attempt, which is then postponed. */
  async function attemptWith(running: RunningMigration, happens: () => Promise<unknown>) {
    await running.untilReady();
    using blocking = onceAt('engine.cutover.about-to-block', happens);
    running.steering.cutOver();
    await running.until('the attempt to end', ({ cutoverAttempts }) => cutoverAttempts[0]?.result !== undefined);
    assert.ok(blocking.result);
    const [attempt] = running.progress.cutoverAttempts;
    assert.equal(attempt?.result, 'POSTPONED');
    return attempt;
  }

  test('the destination refuses a document', async () => {
    await using pair = await startPair();
    const collection = pair.source.client.db('shop').collection<{ _id: number }>('a');
    await collection.insertMany(identified(10));
    await using running = RunningMigration.start(pair, { clock });
    const { reason } = await attemptWith(running, async () => {
      await pair.destination.failCommand({ mode: 'alwaysOn', data: REFUSED });
      await collection.insertOne({ _id: 10 });
    });
    assert.match(reason ?? '', /shop\.a .*the destination refused the document with _id 10/);
    await collection.insertOne({ _id: 11 });
    await pair.destination.clearFailPoints();
    assert.equal(await running.outcome, 'COMMITTED');
    await expectIdentical(pair);
  });

  test('drops of most of a migration have to be confirmed', async () => {
    await using pair = await startPair();
    const shop = pair.source.client.db('shop');
    for (const name of ['a', 'b', 'c']) await shop.collection(name).insertMany(numbered(10));
    await using running = RunningMigration.start(pair, { clock, confirmDrops: false });
    const { reason } = await attemptWith(running, async () => {
      for (const name of ['a', 'b']) await shop.collection(name).drop();
    });
    assert.match(reason ?? '', /dropped 2 of the 3 collections/);
    running.steering.confirmDrops(Date.now());
    assert.equal(await running.outcome, 'COMMITTED');
    await expectIdentical(pair);
  });
});
