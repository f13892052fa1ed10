import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MigrationState } from '../../../src/contract/index.ts';
import { LeaderSilence } from '../../../src/engine/records/leader-silence.ts';
import { systemClock } from '../../../src/platform/index.ts';

/** A standby, and a clock that only the test moves. */
function standBy() {
  let elapsedMs = 0;
  const silence = new LeaderSilence({ ...systemClock, elapsed: () => elapsedMs });
  const after = (seconds: number, ...standings: ReturnType<typeof record>[]) => {
    elapsedMs += seconds * 1_000;
    return silence.look(standings);
  };
  return { silence, after };
}

const leader = (isAlive: boolean, wroteAtMs = 1) => ({
  host: 'h',
  pid: 1,
  startedAtMs: 0,
  wroteAtMs,
  silentMs: 0,
  isAlive,
  isCutOff: false,
});

const record = (state: MigrationState, led?: ReturnType<typeof leader>) => ({
  state,
  isRetired: false,
  hasFailback: false,
  leader: led,
  request: undefined,
});

test('a standby takes a migration once its leader has been silent through two of its writes, and not while it writes', () => {
  const { after } = standBy();
  const alive = record('FOLLOWING', leader(true));
  assert.equal(after(0, alive), false);
  assert.equal(after(3_600, alive), false);
  const silent = (wroteAtMs: number) => record('FOLLOWING', leader(false, wroteAtMs));
  assert.equal(after(0, silent(2)), false);
  assert.equal(after(9, silent(2)), false);
  assert.equal(after(9, silent(3)), false, 'it has written since');
  assert.equal(after(9, silent(3)), false);
  assert.equal(after(1, silent(3)), true);
});

test('a standby waits for a leader again after a look that failed', () => {
  const { silence, after } = standBy();
  const silent = record('FOLLOWING', leader(false));
  assert.equal(after(0, silent), false);
  silence.doubt();
  assert.equal(after(10, silent), false);
  assert.equal(after(10, silent), true);
});

test('a standby takes a migration that no engine has begun after ten seconds, and one that its engine has left at once', () => {
  const begun = standBy();
  assert.equal(begun.after(0), false);
  assert.equal(begun.after(9), false);
  assert.equal(begun.after(1), true);
  assert.equal(standBy().after(0, record('FOLLOWING')), true);
});

test('a standby leaves a committed migration a minute for its failback, and never takes one that failed', () => {
  const { after } = standBy();
  assert.equal(after(0, record('COMMITTED')), false);
  assert.equal(after(59, record('COMMITTED')), false);
  assert.equal(after(1, record('COMMITTED')), true);
  assert.equal(after(3_600, record('FAILED'), record('COMMITTED')), false);
});
