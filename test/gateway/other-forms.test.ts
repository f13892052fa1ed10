import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dateOf, type Progress } from '../../src/contract/index.ts';
import { linkedAgentsOf } from '../../src/control/index.ts';
import { newId } from '../../src/platform/index.ts';
import { startControlPlane } from '../atlas-api/control-plane.ts';
import { FakeClock } from '../atlas-api/fake-clock.ts';
import { progress } from '../atlas-api/migration-world.ts';
import { type Started, start } from '../atlas-api/started-migration.ts';

/** Twice this is longer than an agent may say nothing about a migration. */
const BETWEEN_REPORTS_MS = 13_000;

const etaOf = async ({ show }: Started) => ((await show()).linkspan.progress as Progress | null)?.etaSeconds;
const reportOther = (started: Started, changes: object) =>
  started.agent.report({ migrations: [{ id: started.id, progress: { ...progress(started.id), ...changes } }] });

test('a fractional figure is shown, and a progress in another form counts as left out', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const started = await start(plane);
  await started.report({ state: 'COPYING', since: dateOf(1), etaSeconds: 2.5 });
  assert.equal(await etaOf(started), 2.5);
  await reportOther(started, { etaSeconds: 4, lagSeconds: 'small' });
  assert.equal(await etaOf(started), 2.5, 'what was reported before');
  for (let times = 0; times < 2; times += 1) {
    clock.nowMs += BETWEEN_REPORTS_MS;
    await reportOther(started, { lagSeconds: 'small' });
  }
  const { agent } = (await started.show()).linkspan as { agent?: { status: string } };
  assert.equal(agent?.status, 'LOST');
});

test('fields of an agent that the contract does not have are not shown', async () => {
  await using plane = await startControlPlane();
  const started = await start(plane);
  assert.equal(((await reportOther(started, { later: 'a field' })) as { status: number }).status, 200);
  assert.equal(await etaOf(started), progress(started.id).etaSeconds);
  assert.ok(!JSON.stringify(await started.show()).includes('a field'));
});

test('an inventory that is too long holds up nothing, and the one before it is kept', async () => {
  await using plane = await startControlPlane();
  const { agent, id, show } = await start(plane);
  const before = (await linkedAgentsOf(plane.store, plane.orgId))[0]?.inventory;
  const name = 'x'.repeat(4_000);
  const inventory = Array.from({ length: 40 }, (_, n) => ({ projectId: newId(n), name, deployments: [] }));
  const migrations = [{ id, progress: { ...progress(id), etaSeconds: 5 } }];
  assert.equal(((await agent.report({ inventory, migrations })) as { status: number }).status, 200);
  assert.deepEqual((await linkedAgentsOf(plane.store, plane.orgId))[0]?.inventory, before);
  assert.equal(((await show()).linkspan.progress as Progress | null)?.etaSeconds, 5);
});

test('of several entries about one migration, a report counts with the first', async () => {
  await using plane = await startControlPlane();
  const started = await start(plane);
  const entries = [2, 3, 4].map((etaSeconds) => ({
    id: started.id,
    progress: { ...progress(started.id), etaSeconds },
  }));
  await started.agent.report({ migrations: entries });
  assert.equal(await etaOf(started), 2);
});
