import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../src/platform/index.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { startPair } from '../../support/replica-set.ts';
import { identified } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

const skip = needsSource('6.0', 'it has no write block');
const LONGEST_PAUSE_MS = 60_000;
const REFUSED = {
  failCommands: ['insert', 'update'],
  namespace: 'shop.a',
  errorCode: 2,
  appName: 'linkspan-destination',
};
/** A write pause without an end, and short delays. */
const clock = {
  ...systemClock,
  timeout: (ms: number) => (ms === LONGEST_PAUSE_MS ? new AbortController().signal : systemClock.timeout(ms)),
  sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(Math.min(ms, 200), signal),
};

test('a document that the destination refuses in the write pause ends the pause at once, with the reason', {
  skip,
}, async () => {
  await using pair = await startPair();
  const collection = pair.source.client.db('shop').collection<{ _id: number }>('a');
  await collection.insertMany(identified(10));
  await using running = RunningMigration.start(pair, { clock });
  await running.untilReady();
  using blocking = onceAt('engine.cutover.about-to-block', async () => {
    await pair.destination.failCommand({ mode: 'alwaysOn', data: REFUSED });
    await collection.insertOne({ _id: 10 });
  });
  running.migration.want('cutover');
  await running.until('the attempt to end', ({ cutoverAttempts }) => cutoverAttempts[0]?.result !== undefined);
  assert.ok(blocking.result);
  const [attempt] = running.progress.cutoverAttempts;
  assert.equal(attempt?.result, 'put off');
  assert.match(attempt?.reason ?? '', /shop\.a .*the destination refused the document with _id 10/);
  await collection.insertOne({ _id: 11 });
  await pair.destination.clearFailPoints();
  assert.equal(await running.outcome, 'committed');
  await expectIdentical(pair);
});
