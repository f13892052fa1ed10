import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LiveMigration } from '../../../src/atlas-api/index.ts';
import { stateOf } from '../../../src/cli/fleets/fleet-state.ts';

const ENTRY = { entry: 'orders', wave: 1, agent: 'm' };
const migration = (status: string, more: object = {}, problems: readonly object[] = []) =>
  ({ _id: 'i', status, migrationHosts: ['m'], ...more, linkspan: { problems } }) as unknown as LiveMigration;
const problem = (code: string) => ({ code, message: 'What happened.', remedy: 'What to do.' });

test('an entry is ready, complete or failed as its migration is, and one with a problem since its cutover counts as failed', () => {
  for (const [given, state, code] of [
    [undefined, 'WAITING', undefined],
    [migration('NEW'), 'RUNNING', undefined],
    [migration('WORKING', { readyForCutover: false }), 'RUNNING', undefined],
    [migration('WORKING', { readyForCutover: true }), 'READY', undefined],
    [migration('COMPLETE'), 'COMPLETE', undefined],
    [migration('COMPLETE', {}, [problem('SOURCE_WRITTEN_AFTER_COMMIT')]), 'FAILED', 3],
    [migration('COMPLETE', {}, [problem('FAILBACK_LOST')]), 'FAILED', 1],
    [migration('EXPIRED', { errorMessage: 'Its window ended.' }), 'FAILED', 1],
  ] as const) {
    const found = stateOf(ENTRY, given);
    assert.deepEqual([found.state, found.failure?.code], [state, code], JSON.stringify(given));
  }
});
