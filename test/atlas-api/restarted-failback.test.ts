import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dateOf } from '../../src/contract/index.ts';
import { startControlPlane } from './control-plane.ts';
import { FakeClock } from './fake-clock.ts';
import { FOLLOWING, start } from './reversible-world.ts';

test('a requested failback whose agent has restarted, and reports the cutover before it, is heard and not ready', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const { report, ask, show, cutOver } = await start(plane);
  await cutOver();
  await ask('reverse');
  await report(1, { state: 'FOLLOWING', readyForCutover: true, lagSeconds: 1 });
  assert.equal((await show()).readyForCutover, true);
  const waiting = [{ for: 'the source', since: dateOf(clock.nowMs), reason: 'it is unreachable.' }];
  for (const changes of [
    { state: 'CREATED', since: null, waiting } as const,
    { state: 'COMMITTED', waiting } as const,
  ]) {
    clock.nowMs += 26_000;
    await report(0, changes, { state: 'PREPARING' });
    const { status, readyForCutover, lagTimeSeconds, linkspan } = await show();
    assert.deepEqual([status, readyForCutover, lagTimeSeconds], ['WORKING', false, null], changes.state);
    assert.equal(linkspan.agent?.status, 'CONNECTED', changes.state);
    assert.deepEqual(
      linkspan.waiting.map((wait) => wait.for),
      ['the source'],
    );
    const refused = await ask('cutover');
    assert.equal(refused.json.errorCode, 'CUTOVER_NOT_READY');
    assert.match(String(refused.json.detail), /the agent has not opened this direction again\.$/);
  }
  await report(1, { state: 'FOLLOWING', readyForCutover: true });
  assert.equal((await ask('cutover')).status, 202);
  await report(1, { state: 'COMMITTED', canWrite: true }, FOLLOWING);
  assert.equal((await show()).linkspan.failback?.ready, true);
  await report(0, { state: 'CREATED', since: null });
  const { status, linkspan } = await show();
  assert.deepEqual([status, linkspan.failback?.state, linkspan.failback?.ready], ['COMPLETE', 'PREPARING', false]);
});
