import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Clock, onFailpoint, systemClock } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { identified } from '../../support/seeds.ts';
import { verificationOf } from './verify-pair.ts';

checkForLeaks({ sockets: false });

/** Above this many keys a comparison reads the streams slowly. */
const MOST_PENDING = 100_000;
/** Above this many it begins anew. */
const MOST_DIFFERENT = 150_000;

test('changes that come faster than they are compared stay on the servers, and the comparison says so and ends', async () => {
  await using pair = await startPair();
  const sides = [pair.source, pair.destination].map(({ client }) =>
    client.db('shop').collection<{ _id: number; n: number }>('items'),
  );
  await Promise.all(sides.map((items) => items.insertMany(identified(140_000, { n: 0 }), { ordered: false })));
  const rechecks = Promise.withResolvers<void>();
  using _held = onFailpoint('engine.compare.rechecked', () => rechecks.promise);
  let [most, waits] = [0, 0];
  // Nothing else in a comparison sleeps for as long.
  const sleep: Clock['sleep'] = (ms, signal) => {
    if (ms === 25) waits += 1;
    return systemClock.sleep(ms, signal);
  };
  let updates: Promise<unknown> = Promise.resolve();
  using _seen = onFailpoint('engine.compare.stream-read', async () => {
    await updates;
    most = Math.max(most, verification.progress().pending);
  });
  const verification = verificationOf(pair, { bytesPerSecond: 4_000_000, clock: { ...systemClock, sleep } });
  const run = verification.run(new AbortController().signal);
  await eventually(() => verification.progress().documents > 0, { what: 'the comparison to begin' });
  updates = Promise.all(sides.map((items) => items.updateMany({}, { $inc: { n: 1 } })));
  await updates;
  await eventually(() => most > MOST_PENDING + 20_000, { what: 'more keys' });
  const [wait] = verification.progress().waiting;
  rechecks.resolve();
  const { report } = await run;
  assert.ok(waits >= 20, `${waits} waits`);
  assert.match(`${wait?.for}: ${wait?.reason}`, /changed documents: 1\d{5} documents have changed/);
  assert.equal(report.result, 'EQUAL', report.explanation);
});

test('a collection of which too many documents differ because the destination lags is compared anew, and the comparison ends', async () => {
  await using pair = await startPair();
  const [here, there] = [pair.source, pair.destination].map(({ client }) =>
    client.db('shop').collection<{ _id: number; n: number }>('items'),
  );
  assert.ok(here && there);
  for (const items of [here, there]) await items.insertMany(identified(170_000, { n: 0 }), { ordered: false });
  let [most, compared, isAnew] = [0, 0, false];
  using _seen = onFailpoint('engine.compare.stream-read', () => {
    const { pending, documents } = verification.progress();
    if (documents < compared) isAnew = true;
    [most, compared] = [Math.max(most, pending), documents];
  });
  const verification = verificationOf(pair, { settleMs: 120_000, bytesPerSecond: 4_000_000 });
  const run = verification.run(new AbortController().signal);
  await eventually(() => verification.progress().documents > 0, { what: 'the comparison to begin' });
  await here.updateMany({}, { $inc: { n: 1 } });
  await eventually(() => isAnew, { what: 'a new begin' });
  await there.updateMany({}, { $inc: { n: 1 } });
  const { report } = await run;
  assert.ok(most <= MOST_DIFFERENT + 10_000, `${most} keys were pending`);
  assert.equal(report.result, 'EQUAL', report.explanation);
});
