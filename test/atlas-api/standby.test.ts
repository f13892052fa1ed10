import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dateOf } from '../../src/contract/index.ts';
import { linkAgent, SOURCE, SOURCE_PROJECT } from '../gateway/agent-client.ts';
import type { Page } from './control-plane.ts';
import { cliBody, progress } from './migration-world.ts';
import { startTwoHosts } from './two-hosts.ts';

/** More than the silence after which a standby takes over, and less than the one after which an agent counts as lost. */
const SILENT_MS = 21_000;

test('a standby knows the clusters of the migration and has no order, until reports and record of its leader are silent', async () => {
  await using hosts = await startTwoHosts();
  const { id, leader, standby, plane } = hosts;
  const [assignment] = (await hosts.wanted(leader)).migrations.map((wanted) => wanted.assignment);
  const { source, destination } = assignment ?? {};
  assert.deepEqual((await hosts.wanted(standby)).standbys, [{ id, source, destination }]);
  assert.equal(await hosts.leading(), 'leader');
  await hosts.passHeard(30_000);
  const before = await hosts.show();
  assert.deepEqual(before.migrationHosts, ['leader']);
  assert.deepEqual(before.linkspan.standbyHosts, [{ host: 'standby', status: 'READY' }]);
  assert.equal(before.linkspan.takenOver, undefined);

  await hosts.passSilent(SILENT_MS);
  assert.equal(await hosts.leading(), 'standby');
  assert.deepEqual(
    (await hosts.wanted(leader)).standbys.map((wanted) => wanted.id),
    [id],
  );
  const after = await hosts.show();
  assert.deepEqual(after.migrationHosts, ['standby']);
  assert.equal(after.linkspan.takenOver.fromHost, 'leader');
  assert.deepEqual(
    after.linkspan.standbyHosts.map(({ host, status }: { host: string; status: string }) => [host, status]),
    [['leader', 'NOT_READY']],
  );
  const events = `/api/atlas/v2/orgs/${plane.orgId}/events?eventType=LIVE_MIGRATION_TAKEN_OVER`;
  assert.equal((await plane.api<Page<unknown>>('GET', events)).json.results.length, 1);

  // The former leader is back, and stands by for its successor.
  await leader.report({ standbys: [{ id, record: 'WRITTEN' }] });
  assert.deepEqual((await hosts.show()).linkspan.standbyHosts, [{ host: 'leader', status: 'READY' }]);
  assert.equal(await hosts.leading(), 'standby');
});

test('a leader keeps its migration while it reports, while its record is written or unread, and for 20 s of silence', async () => {
  await using hosts = await startTwoHosts();
  await hosts.passHeard(30_000, 'SILENT');
  assert.equal(await hosts.leading(), 'leader', 'it reports');
  await hosts.passSilent(30_000, 'WRITTEN');
  assert.equal(await hosts.leading(), 'leader', 'its record is written');
  await hosts.passSilent(30_000, 'UNREAD');
  assert.equal(await hosts.leading(), 'leader', 'its record is unread');
  await hosts.passHeard(5_000);
  await hosts.passSilent(20_000);
  assert.equal(await hosts.leading(), 'leader', 'it is silent for 20 s');
  await hosts.passSilent(1_000);
  assert.equal(await hosts.leading(), 'standby');
});

test('silence of a leader counts only from when the standby is heard, because the control plane may have been away', async () => {
  await using hosts = await startTwoHosts();
  await hosts.passHeard(30_000);
  hosts.clock.nowMs += 3_600_000;
  await hosts.passSilent(30_000);
  assert.equal(await hosts.leading(), 'leader', 'the standby is heard for 20 s');
  await hosts.passSilent(1_000);
  assert.equal(await hosts.leading(), 'standby');
});

test('an agent of another link-token, or without the source in its configuration, takes nothing over', async () => {
  await using hosts = await startTwoHosts();
  const { plane, standby, id } = hosts;
  const stranger = await linkAgent(plane, 'stranger');
  await standby.report({ inventory: [{ projectId: SOURCE_PROJECT, name: 'shop', deployments: [] }] });
  await hosts.passHeard(30_000);
  for (let seconds = 0; seconds < 30; seconds += 5) {
    await hosts.passSilent(5_000);
    await stranger.report({ standbys: [{ id, record: 'SILENT' }] });
  }
  assert.equal(await hosts.leading(), 'leader');
  for (const agent of [stranger, standby]) assert.deepEqual((await hosts.wanted(agent)).standbys, []);
  const [shown] = (await hosts.show()).linkspan.standbyHosts;
  assert.deepEqual(shown, { host: 'standby', status: 'NOT_READY', reason: 'its configuration lacks the source' });
  await standby.report({ inventory: [{ projectId: SOURCE_PROJECT, name: 'shop', deployments: [SOURCE] }] });
  await hosts.passSilent(5_000);
  assert.equal(await hosts.leading(), 'standby');
});

test('a successor gets what the operator wants of the migration, and only its own reports count', async () => {
  await using hosts = await startTwoHosts();
  const { id, leader, standby } = hosts;
  await leader.report({ migrations: [{ id, progress: progress(id) }] });
  assert.equal((await hosts.ask('pause')).status, 202);
  await hosts.passHeard(30_000);
  await leader.report({ migrations: [{ id, progress: progress(id) }] });
  await hosts.passSilent(SILENT_MS);
  const [wanted] = (await hosts.wanted(standby)).migrations;
  assert.equal(wanted?.order.wanted, 'PAUSED');
  const resuming = await hosts.show();
  assert.deepEqual([resuming.linkspan.agent.status, resuming.lagTimeSeconds], ['RESUMING', null]);
  await leader.report({ migrations: [{ id, progress: progress(id, { state: 'COMMITTED' }) }] });
  assert.equal((await hosts.show()).status, 'WORKING');
  await standby.report({ migrations: [{ id, progress: progress(id, { lagSeconds: 3 }) }] });
  hosts.clock.nowMs += 1;
  await standby.report({ migrations: [{ id, progress: progress(id, { lagSeconds: 3 }) }] });
  const resumed = await hosts.show();
  assert.deepEqual([resumed.linkspan.agent.status, resumed.lagTimeSeconds], ['CONNECTED', 3]);
});

test('an agent takes a migration back that an unknown engine has taken, but none that a standby has', async () => {
  await using hosts = await startTwoHosts();
  const { id, leader, standby } = hosts;
  assert.deepEqual((await leader.report({ takenOver: [id] })).json.takeBack, [id]);
  await hosts.passHeard(30_000);
  await hosts.passSilent(SILENT_MS);
  assert.deepEqual((await leader.report({ takenOver: [id] })).json.takeBack, []);
  assert.deepEqual((await standby.report({ takenOver: [id] })).json.takeBack, [id]);
});

test('a watch of a source continues on a standby, which begins where the silent host has reported it', async () => {
  const token = `82${(Date.parse('2026-11-01T12:00:00Z') / 1_000).toString(16).toUpperCase()}${'0'.repeat(8)}2B`;
  const watchStart = {
    token,
    sourceId: '5e'.repeat(12),
    accounts: { user: 'one', role: 'another' },
    rawData: true,
  } as const;
  await using hosts = await startTwoHosts({ watchSourceMs: 3_600_000 });
  const { id, leader, standby } = hosts;
  const cutover = { requestedAt: dateOf(0), blocking: true, watchStart };
  await leader.report({
    migrations: [{ id, progress: progress(id, { state: 'COMMITTED', canWrite: true, cutover }) }],
  });
  assert.equal((await hosts.show()).status, 'COMPLETE');
  const [watch] = (await hosts.wanted(leader)).watches;
  await hosts.passHeard(30_000);
  assert.equal(await hosts.leading(), 'leader');
  await hosts.passSilent(SILENT_MS);
  assert.equal(await hosts.leading(), 'standby');
  assert.deepEqual((await hosts.wanted(standby)).watches, [watch]);
});

test('a source cluster has one migration at a time, whichever host of its link leads it', async () => {
  await using hosts = await startTwoHosts();
  const { plane, groupId, id } = hosts;
  const body = cliBody(groupId, { migrationHosts: ['standby'], destination: { clusterName: 'C2' } });
  const refused = await plane.api('POST', `/api/atlas/v2/groups/${groupId}/liveMigrations`, { body });
  assert.equal(refused.json.errorCode, 'SOURCE_CLUSTER_ALREADY_MIGRATING');
  assert.match(String(refused.json.detail), new RegExp(`${id}.*leader`));
});

test('the list of links says which host leads and which one stands by', async () => {
  await using hosts = await startTwoHosts();
  const { plane } = hosts;
  const links = `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations/links`;
  const { results } = (await plane.api<Page<{ migrationHost: string; leads: number; standsBy: number }>>('GET', links))
    .json;
  assert.deepEqual(
    results.map(({ migrationHost, leads, standsBy }) => [migrationHost, leads, standsBy]),
    [
      ['leader', 1, 0],
      ['standby', 0, 1],
    ],
  );
});
