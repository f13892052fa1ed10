import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepAnnouncing } from '../../src/control/index.ts';
import { silentLogger } from '../../src/platform/index.ts';
import { type ControlPlane, type Page, startControlPlane } from './control-plane.ts';
import { FakeClock } from './fake-clock.ts';
import { start } from './started-migration.ts';

const HOUR_MS = 3_600_000;
const READY = { state: 'FOLLOWING', readyForCutover: true, lagSeconds: 0, notReadyReasons: [] } as const;

/** Looks once at what has to be announced, as a server does every few seconds. */
async function look({ control }: ControlPlane): Promise<void> {
  const stop = new AbortController();
  const ended = keepAnnouncing(control, 15 * 60_000, silentLogger, stop.signal, 0);
  stop.abort();
  await ended;
}

async function eventsOf(plane: ControlPlane, type: string) {
  const path = `/api/atlas/v2/orgs/${plane.orgId}/events?eventType=LIVE_MIGRATION_${type}`;
  const { json } = await plane.api<Page<{ linkspan: { details: Record<string, unknown> } }>>('GET', path);
  return json.results.map(({ linkspan }) => linkspan.details);
}

test('the last day of a cutover window is a warning until it is extended, and an event 24 h and 1 h before its end', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const { id, report, show, ask } = await start(plane);
  await report(READY);
  const warnings = async () => (await show()).linkspan.warnings as string[];
  clock.nowMs += 95 * HOUR_MS;
  await look(plane);
  assert.deepEqual([await warnings(), await eventsOf(plane, 'WINDOW_ENDING')], [[], []]);
  clock.nowMs += HOUR_MS;
  await look(plane);
  await look(plane);
  assert.match(
    (await warnings())[0] ?? '',
    /^The cutover window ends at 2026-11-06T12:00:00\.000Z, in less than 24 hours, /,
  );
  const day = { liveMigrationId: id, hoursLeft: 24, cutoverWindowEndsAt: '2026-11-06T12:00:00.000Z' };
  assert.deepEqual(await eventsOf(plane, 'WINDOW_ENDING'), [day]);
  clock.nowMs += 23 * HOUR_MS + 1;
  await look(plane);
  assert.match(
    (await warnings())[0] ?? '',
    /in less than 1 hour, .* linkspan migration extend-window [0-9a-f]{24} --hours 48\.$/,
  );
  assert.deepEqual(await eventsOf(plane, 'WINDOW_ENDING'), [{ ...day, hoursLeft: 1 }, day]);
  assert.equal((await ask('cutoverWindow', { hours: 72 })).status, 200);
  await look(plane);
  assert.deepEqual(await warnings(), []);
  assert.equal((await eventsOf(plane, 'WINDOW_ENDING')).length, 2);
});

test('an agent that is silent, and a readiness that no one uses, are events once', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const { id, report } = await start(plane);
  await report(READY);
  clock.nowMs += 14 * 60_000;
  await report(READY);
  await look(plane);
  assert.deepEqual([await eventsOf(plane, 'CUTOVER_AWAITED'), await eventsOf(plane, 'WAITING')], [[], []]);
  clock.nowMs += 16 * 60_000;
  await look(plane);
  await look(plane);
  assert.deepEqual(await eventsOf(plane, 'CUTOVER_AWAITED'), [
    { liveMigrationId: id, readySince: '2026-11-01T12:00:00.000Z' },
  ]);
  const [wait, ...more] = await eventsOf(plane, 'WAITING');
  assert.deepEqual([wait?.for, wait?.since, more], ['the agent on host-1', '2026-11-01T12:14:00.000Z', []]);
  assert.equal((await eventsOf(plane, 'READY')).length, 1);
});
