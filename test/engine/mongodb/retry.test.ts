import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MongoServerError } from 'mongodb';
import { pino } from 'pino';
import { dateOf } from '../../../src/contract/index.ts';
import { Throttle } from '../../../src/engine/concurrency/throttle.ts';
import { BatchInterrupted } from '../../../src/engine/mongodb/failure-policy.ts';
import { describeWait, Retrier } from '../../../src/engine/mongodb/retry.ts';
import type { Clock } from '../../../src/platform/index.ts';

const MINUTE_MS = 60_000;

/** Time passes by sleeping, and the wall clock may be set. */
class SleepersClock implements Clock {
  elapsedMs = 0;
  setBy = 0;
  now = () => 1_790_000_000_000 + this.elapsedMs + this.setBy;
  elapsed = () => this.elapsedMs;
  sleep = async (ms: number) => {
    this.elapsedMs += ms;
  };
  timeout = () => new AbortController().signal;
}

function logger() {
  const lines: { level: number; msg: string }[] = [];
  return { lines, logger: pino({ level: 'warn' }, { write: (line: string) => lines.push(JSON.parse(line)) }) };
}

// id: transient-retried-forever
test('transient failures are retried forever, whatever the wall clock says; the log escalates to error once', async () => {
  const clock = new SleepersClock();
  const { lines, logger: log } = logger();
  const retrier = new Retrier(clock, log, new AbortController().signal);
  const startMs = clock.now();
  const longestPauses: number[] = [];
  let lastMs = 0;
  const operation = async () => {
    longestPauses.push(clock.elapsedMs - lastMs);
    lastMs = clock.elapsedMs;
    if (clock.elapsedMs > 5 * MINUTE_MS)
      clock.setBy = clock.elapsedMs > 10 * MINUTE_MS ? -60 * MINUTE_MS : 60 * MINUTE_MS;
    if (clock.elapsedMs > 0) {
      assert.equal(retrier.waits.length, 1, 'one wait, however many operations wait for it');
      assert.deepEqual([retrier.waits[0]?.for, retrier.waits[0]?.since], ['the source', dateOf(startMs)]);
    }
    if (clock.elapsedMs < 29 * MINUTE_MS) assert.deepEqual(lines, []);
    if (clock.elapsedMs < 240 * MINUTE_MS) throw new BatchInterrupted('disk full', 14_031);
    return 'done';
  };
  assert.deepEqual(await Promise.all([retrier.run('the source', operation), retrier.run('the source', operation)]), [
    'done',
    'done',
  ]);
  assert.deepEqual(retrier.waits, []);
  assert.equal(lines.length, 1);
  assert.match(
    lines[0]?.msg ?? '',
    /^Waiting for the source since 20.*Z: it is out of space \(disk full\)\. .*by itself/,
  );
  assert.ok(Math.max(...longestPauses) <= 10_000, 'pauses stay short enough to continue soon');
});

test('permanent failures are thrown at once, and a deadline or the end of the run ends the retries', async () => {
  const { logger: log } = logger();
  const run = new AbortController();
  const retrier = new Retrier(new SleepersClock(), log, run.signal);
  const fatal = new MongoServerError({ message: 'bad', code: 2 });
  await assert.rejects(
    retrier.run('it', () => Promise.reject(fatal)),
    fatal,
  );
  const deadline = new AbortController();
  let tries = 0;
  const waiting = retrier.until(deadline.signal).run('it', async () => {
    tries += 1;
    if (tries === 3) {
      assert.match(describeWait(retrier.waits[0] ?? assert.fail()), /^Waiting for it since/);
      deadline.abort(new Error('too late'));
    }
    throw new BatchInterrupted('later');
  });
  await assert.rejects(waiting, /too late/);
  assert.deepEqual(retrier.waits, []);
  run.abort(new Error('stopped'));
  await assert.rejects(
    retrier.run('it', async () => undefined),
    /stopped/,
  );
});

// id: unknown-error-retried-for-a-minute
test('an error that no rule knows is retried for a minute, with a word in the log, and then thrown', async () => {
  const clock = new SleepersClock();
  const { lines, logger: log } = logger();
  const retrier = new Retrier(clock, log, new AbortController().signal);
  const unknown = new MongoServerError({ message: 'something new', code: 463, codeName: 'SomethingNew' });
  const passing = async () => {
    if (clock.elapsedMs < MINUTE_MS / 2) throw unknown;
    return 'done';
  };
  assert.equal(await retrier.run('the source', passing), 'done');
  assert.deepEqual(
    lines.map(({ msg }) => msg),
    ['Trying again for a minute after an error that Linkspan does not know'],
  );
  const beganAt = clock.elapsedMs;
  await assert.rejects(
    retrier.run('the source', () => Promise.reject(unknown)),
    unknown,
  );
  assert.ok(clock.elapsedMs - beganAt >= MINUTE_MS);
  assert.ok(clock.elapsedMs - beganAt < 2 * MINUTE_MS);
});

// id: clock-set-in-throttled-copy
test('a clock that is set neither stops nor frees a throttled copy', async () => {
  const clock = new SleepersClock();
  const throttle = new Throttle(1_000, clock);
  const { signal } = new AbortController();
  for (const setBy of [0, 60 * MINUTE_MS, -60 * MINUTE_MS]) {
    clock.setBy = setBy;
    const before = clock.elapsedMs;
    for (let n = 0; n < 10; n += 1) await throttle.take(1_000, signal);
    assert.ok(clock.elapsedMs - before >= 8_000 && clock.elapsedMs - before <= 11_000, `${clock.elapsedMs - before}`);
  }
});
