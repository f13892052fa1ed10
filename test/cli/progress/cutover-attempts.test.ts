import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attemptLines } from '../../../src/cli/progress/cutover-attempts.ts';
import { describeView } from '../../../src/cli/progress/describe.ts';
import { type CutoverAttempt, dateOf } from '../../../src/contract/index.ts';
import { snapshot, viewed } from './snapshots.ts';

const postponed: CutoverAttempt = {
  number: 1,
  startedAt: dateOf(0),
  result: 'POSTPONED',
  reason: 'late',
  stoppedMs: 200,
  steps: [{ name: 'block', startedAt: dateOf(0), durationMs: 200, reason: 'a reason' }],
};
const current: CutoverAttempt = {
  number: 2,
  startedAt: dateOf(200),
  steps: [
    { name: 'checks', startedAt: dateOf(200), durationMs: 5, reason: 'compared' },
    { name: 'accounts', startedAt: dateOf(205), durationMs: 1, reason: 'made' },
    { name: 'drain', startedAt: dateOf(206), durationMs: 994, reason: 'applied', counts: { applied: 1_234 } },
    { name: 'obstacles', startedAt: dateOf(1_200), reason: 'waited for a moment: a transaction' },
  ],
};

test('attempts to cut over show how they ended, and where the time of the last one goes', () => {
  assert.deepEqual(attemptLines([postponed, current], 3_200), [
    ['attempt 1', "postponed after 0.20 s, users' writes stopped for 0.20 s: late"],
    ['attempt 2', 'under way after 3.00 s'],
    ['', '0.99 s drain: applied (applied 1,234)'],
    ['', '2.00 s obstacles: waited for a moment: a transaction'],
    ['', '0.01 s checks, accounts'],
  ]);
});

test('the live display shows the step that a cutover is in', () => {
  const shown = (cutoverAttempts: readonly CutoverAttempt[]) =>
    describeView(viewed(snapshot({ state: 'COMMITTING', cutoverAttempts }), 3_200)).join(', ');
  assert.match(shown([postponed, current]), /obstacles: waited for a moment: a transaction/);
  assert.doesNotMatch(shown([postponed]), /block/);
});
