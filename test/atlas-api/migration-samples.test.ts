import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startControlPlane } from './control-plane.ts';
import { FakeClock } from './fake-clock.ts';
import { cliBody, prepare, progress } from './migration-world.ts';

/** Begins with a minute. */
const START_MS = Math.floor(Date.now() / 60_000) * 60_000;

async function history() {
  const clock = new FakeClock();
  clock.nowMs = START_MS;
  const plane = await startControlPlane({ clock });
  const { agent, groupId, path } = await prepare(plane);
  const created = await plane.api('POST', path, { body: cliBody(groupId) });
  const id = String(created.json._id);
  return {
    plane,
    agent,
    id,
    path: `${path}/${id}/samples`,
    reportAt: async (afterMs: number, lagSeconds: number) => {
      clock.nowMs = START_MS + afterMs;
      await agent.report({ migrations: [{ id, progress: progress(id, { state: 'FOLLOWING', lagSeconds }) }] });
    },
    [Symbol.asyncDispose]: () => plane[Symbol.asyncDispose](),
  };
}

test('a history has the last figures of each second, and of each minute', async () => {
  await using world = await history();
  for (const [afterMs, lag] of [
    [0, 1],
    [400, 2],
    [1_000, 3],
    [60_000, 4],
  ] as const)
    await world.reportAt(afterMs, lag);
  const seconds = await world.plane.api('GET', world.path);
  assert.equal(seconds.status, 200, seconds.text);
  assert.deepEqual([seconds.json.spanSeconds, seconds.json.lagTimeSeconds], [1, [2, 3, 4]]);
  assert.deepEqual(seconds.json.state, ['FOLLOWING', 'FOLLOWING', 'FOLLOWING']);
  assert.deepEqual(seconds.json.bytesCopied, [1, 1, 1]);
  const minutes = await world.plane.api('GET', `${world.path}?span=MINUTE`);
  assert.deepEqual([minutes.json.spanSeconds, minutes.json.lagTimeSeconds], [60, [3, 4]]);
  const since = new Date(START_MS + 500).toISOString();
  const later = await world.plane.api('GET', `${world.path}?span=SECOND&since=${since}`);
  assert.deepEqual(later.json.lagTimeSeconds, [3, 4]);
});

test('samples are forgotten after an hour and after 30 days, also of a migration that no longer reports', async () => {
  await using world = await history();
  await world.reportAt(0, 1);
  const lags = async (span: string) => (await world.plane.api('GET', `${world.path}?span=${span}`)).json.lagTimeSeconds;
  await world.reportAt(3_600_000, 2);
  assert.deepEqual([await lags('SECOND'), await lags('MINUTE')], [[2], [1, 2]]);
  await world.reportAt(31 * 86_400_000, 3);
  assert.deepEqual([await lags('SECOND'), await lags('MINUTE')], [[3], [3]]);
  assert.equal(await world.plane.store.count('migrationSamples', { migrationId: world.id, spanMs: 1_000 }), 1);
});

test('a wrong span or time is refused by name, and a migration of another project is not found', async () => {
  await using world = await history();
  for (const [query, name] of [
    ['span=hour', 'span'],
    ['since=yesterday', 'since'],
  ]) {
    const refused = await world.plane.api('GET', `${world.path}?${query}`);
    assert.equal(refused.status, 400, refused.text);
    assert.match(refused.text, new RegExp(`\\b${name}\\b`));
  }
  const other = world.path.replace(world.id, '0'.repeat(24));
  assert.equal((await world.plane.api('GET', other)).status, 404);
});
