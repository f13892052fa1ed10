import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failbackLines } from '../../src/cli/administration/failback-text.ts';

test('a failed failback is said to begin again only if it does', () => {
  const saidOf = (code: string) => {
    const error = { code, message: 'Why.', remedy: 'Do.' };
    const failback = {
      state: 'FAILED',
      ready: false,
      lagSeconds: null,
      notReadyReasons: [],
      warnings: [],
      error,
    } as const;
    return new Map(failbackLines({ activeSide: 'DESTINATION', failback })).get('failback');
  };
  assert.match(saidOf('INTERNAL_ERROR') ?? '', /begins again by itself, at the latest when the agent restarts/);
  for (const code of ['FAILBACK_LOST', 'CUTOVER_RECORD_LOST', 'DESTINATION_TAKEN'])
    assert.match(saidOf(code) ?? '', /does not begin again by itself/);
});
