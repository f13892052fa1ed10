import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLOCK_TOLERANCE_MS, MOST_REQUESTS, ReplayGuard } from '../../src/link/index.ts';

const NOW = 1_790_000_000_000;
const A_DAY_MS = 86_400_000;

const request = (nonce: string) => ({ audience: 'k', nonce, signedAtMs: NOW, digest: '' });

/** Admits requests of one agent until the guard refuses one. */
function fill(guard: ReplayGuard, sender: string, nowMs: number): void {
  for (let at = 0; at < MOST_REQUESTS; at += 1) guard.admit(sender, request(`${sender} ${at}`), nowMs);
  assert.throws(() => guard.admit(sender, request('one more'), nowMs), { code: 'TOO_MANY_AGENT_REQUESTS' });
}

// id: nonces-limited
test('the nonces of one agent take memory up to a limit; beyond it its requests are refused, and those of others are not', () => {
  const guard = new ReplayGuard();
  fill(guard, 'a', NOW);
  guard.admit('b', request('one more'), NOW);
  assert.throws(() => guard.admit('a', request('a 0'), NOW), { code: 'REQUEST_REPLAYED' }, 'a replay is still named');
});

test('an agent that was over its limit is served again after ten minutes, and what it sent before is still refused', () => {
  const guard = new ReplayGuard();
  fill(guard, 'a', NOW);
  const later = NOW + 2 * CLOCK_TOLERANCE_MS;
  assert.throws(() => guard.admit('a', request('one more'), later), { code: 'TOO_MANY_AGENT_REQUESTS' });
  guard.admit('a', request('one more'), later + 1);
  assert.throws(() => guard.admit('a', request('a 0'), later + 1), { code: 'REQUEST_REPLAYED' });
});

test('a clock of the control plane that was set back does not keep an agent at its limit', () => {
  const guard = new ReplayGuard();
  fill(guard, 'a', NOW);
  guard.admit('a', request('one more'), NOW - A_DAY_MS);
});
