import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wantedState } from '../../src/link/index.ts';
import { SOURCE, SOURCE_PROJECT } from '../gateway/agent-client.ts';
import { startControlPlane } from './control-plane.ts';
import { cliBody, prepare, progress } from './migration-world.ts';

interface Shown {
  readonly status: string;
  readonly linkspan: { readonly waiting: readonly { readonly for: string; readonly reason: string }[] };
}

/** A plane with two migrations on one agent that runs one at once. */
async function twoOnOne(plane: Awaited<ReturnType<typeof startControlPlane>>) {
  const { agent, groupId, path } = await prepare(plane);
  const deployments = [SOURCE, { ...SOURCE, name: 'other' }];
  await agent.report({ maxMigrations: 1, inventory: [{ projectId: SOURCE_PROJECT, name: 'shop', deployments }] });
  const create = async (source: string, destination: string, linkspan = {}) => {
    const body = cliBody(groupId, {
      source: { clusterName: source },
      destination: { clusterName: destination },
      linkspan,
    });
    const { status, json } = await plane.api('POST', path, { body });
    assert.equal(status, 201);
    return String(json._id);
  };
  return {
    agent,
    create,
    show: async (id: string) => (await plane.api('GET', `${path}/${id}`)).json as unknown as Shown,
    ask: (id: string, wish: string, body?: object) => plane.api('PUT', `${path}/${id}/${wish}`, { body }),
    wanted: async () => wantedState.parse((await agent.poll(null)).json).migrations.map(({ id }) => id),
    report: (id: string, changes: Parameters<typeof progress>[1], more = {}) =>
      agent.report({ maxMigrations: 1, migrations: [{ id, progress: progress(id, changes), ...more }] }),
  };
}

test('an agent at its limit gets no further migration, which says why, and begins when another one has ended', async () => {
  await using plane = await startControlPlane();
  const { create, show, wanted, report } = await twoOnOne(plane);
  const first = await create('source', 'C1');
  const second = await create('other', 'C2');
  for (let polls = 0; polls < 2; polls += 1) assert.deepEqual(await wanted(), [first]);
  const { status, linkspan } = await show(second);
  const [wait] = linkspan.waiting;
  assert.deepEqual([status, wait?.for], ['NEW', 'a place on the agent on host-1']);
  assert.match(wait?.reason ?? '', /^it runs 1 migration, the most that it takes/);
  await report(first, { state: 'FAILED' });
  assert.deepEqual(await wanted(), [second]);
  assert.deepEqual((await show(second)).linkspan.waiting, []);
});

test('a migration that waits for a place is cancelled at once, and a failback keeps its place until it is closed', async () => {
  await using plane = await startControlPlane();
  const { create, show, ask, wanted, report } = await twoOnOne(plane);
  const first = await create('source', 'C1', { reversible: true });
  assert.deepEqual(await wanted(), [first]);
  const cancelled = await create('other', 'C2');
  await ask(cancelled, 'cancel', { dropCopiedData: false });
  assert.equal((await show(cancelled)).status, 'FAILED');
  const second = await create('other', 'C2');
  await report(first, { state: 'COMMITTED' }, { failback: { state: 'PREPARING' } });
  assert.equal((await show(first)).status, 'COMPLETE');
  assert.deepEqual(await wanted(), [first]);
  await ask(first, 'finish');
  await report(first, { state: 'COMMITTED' }, { failback: { state: 'CLOSED' } });
  assert.deepEqual(await wanted(), [second]);
});

test('a limit that is lowered stops nothing that runs, and links show it', async () => {
  await using plane = await startControlPlane();
  const { agent, create, wanted } = await twoOnOne(plane);
  await agent.report({ maxMigrations: 2 });
  const both = [await create('source', 'C1'), await create('other', 'C2')];
  assert.deepEqual(await wanted(), both);
  await agent.report({ maxMigrations: 1 });
  assert.deepEqual(await wanted(), both);
  const links = await plane.api('GET', `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations/links`);
  const [link] = (links.json as { readonly results?: readonly { readonly maxMigrations: number }[] }).results ?? [];
  assert.equal(link?.maxMigrations, 1);
});
