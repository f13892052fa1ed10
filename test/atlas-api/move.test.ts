import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from './control-plane.ts';
import { progress } from './migration-world.ts';
import { startTwoHosts, type TwoHosts } from './two-hosts.ts';

/** A migration that the leader runs, and a standby that reads both of its clusters. */
async function startRunning(more: Parameters<typeof startTwoHosts>[0] = {}): Promise<TwoHosts> {
  const hosts = await startTwoHosts(more);
  await hosts.wanted(hosts.leader);
  await hosts.runs();
  await hosts.standsBy();
  return hosts;
}

const events = async ({ plane }: TwoHosts, type: string) => {
  const path = `/api/atlas/v2/orgs/${plane.orgId}/events?eventType=${type}`;
  return (await plane.api<Page<{ readonly details: object }>>('GET', path)).json.results;
};

test('a moved migration is withdrawn from its leader, and given to the standby once the leader has stopped it', async () => {
  await using hosts = await startRunning();
  const { id, leader } = hosts;
  const answer = await hosts.ask('move', { migrationHost: 'standby' });
  assert.deepEqual([answer.status, (await hosts.show()).linkspan.movingTo], [202, 'standby']);
  assert.equal(await hosts.leading(), '', 'the leader has to stop first');
  await hosts.runs();
  assert.equal(await hosts.leading(), '', 'it has not heard of the move');
  await leader.report({ stopping: [id] });
  assert.equal(await hosts.leading(), '', 'it writes its last checkpoint');
  await leader.report({});
  assert.equal(await hosts.leading(), 'standby');
  const { migrationHosts, linkspan } = await hosts.show();
  assert.equal(linkspan.takenOver.reason, 'REQUESTED');
  assert.deepEqual(
    [migrationHosts, linkspan.movingTo, linkspan.takenOver.fromHost],
    [['standby'], undefined, 'leader'],
  );
  assert.equal((await events(hosts, 'LIVE_MIGRATION_MOVE_REQUESTED')).length, 1);
  assert.equal((await events(hosts, 'LIVE_MIGRATION_TAKEN_OVER')).length, 1);
});

test('a migration whose order no agent has yet moves at once', async () => {
  await using hosts = await startTwoHosts();
  await hosts.standsBy();
  assert.equal((await hosts.ask('move', { migrationHost: 'standby' })).status, 202);
  assert.equal(await hosts.leading(), 'standby');
});

test('a move to a host that is not ready is refused with the reason', async () => {
  await using hosts = await startTwoHosts();
  await hosts.runs();
  const refusal = async (migrationHost: string) => {
    const { status, json } = await hosts.ask('move', { migrationHost });
    return [status, json.errorCode, json.detail];
  };
  const code = 'STANDBY_NOT_READY';
  const refused = (host: string, reason: string) => [
    409,
    code,
    `Host ${host} cannot take over live migration ${hosts.id}: ${reason}.`,
  ];
  assert.deepEqual(await refusal('other'), refused('other', 'no agent of the same link-token has it'));
  assert.deepEqual(await refusal('standby'), refused('standby', 'it has not read both clusters yet'));
  await hosts.standsBy('UNREAD');
  assert.deepEqual(await refusal('standby'), refused('standby', 'it cannot read both clusters'));
  await hosts.standsBy();
  hosts.clock.nowMs += 26_000;
  assert.deepEqual(await refusal('standby'), refused('standby', 'it has not reported for 25 s'));
  assert.equal((await hosts.show()).linkspan.movingTo, undefined);
});

test('a move is refused in a cutover and after the end', async () => {
  await using hosts = await startRunning();
  const { id, leader } = hosts;
  await leader.report({ migrations: [{ id, progress: progress(id, { readyForCutover: true }) }] });
  assert.equal((await hosts.ask('cutover')).status, 202);
  const decided = await hosts.ask('move', { migrationHost: 'standby' });
  assert.deepEqual([decided.status, decided.json.errorCode], [409, 'LIVE_MIGRATION_DECIDED']);
  await leader.report({ migrations: [{ id, progress: progress(id, { state: 'COMMITTED', canWrite: true }) }] });
  const ended = await hosts.ask('move', { migrationHost: 'standby' });
  assert.deepEqual([ended.status, ended.json.errorCode], [409, 'LIVE_MIGRATION_ENDED']);
});

test('the leader continues when the move is taken back, when its successor is no longer ready, and after a minute', async () => {
  await using hosts = await startRunning();
  const { id, leader, clock } = hosts;
  await hosts.ask('move', { migrationHost: 'standby' });
  await hosts.ask('move', { migrationHost: 'leader' });
  assert.equal(await hosts.leading(), 'leader');

  await hosts.ask('move', { migrationHost: 'standby' });
  await hosts.standsBy('UNREAD');
  await leader.report({});
  assert.equal(await hosts.leading(), 'leader');

  await hosts.standsBy();
  await hosts.ask('move', { migrationHost: 'standby' });
  clock.nowMs += 60_000;
  await leader.report({ stopping: [id] });
  assert.equal(await hosts.leading(), '');
  clock.nowMs += 1;
  await leader.report({ stopping: [id] });
  assert.equal(await hosts.leading(), 'leader');
});

test('an agent that leaves hands over what it has stopped, and keeps it without a standby that is ready', async () => {
  await using hosts = await startRunning();
  const { id, leader } = hosts;
  await leader.report({ leaving: true, stopping: [id] });
  assert.equal(await hosts.leading(), 'leader', 'an engine still runs');
  await hosts.standsBy('UNREAD');
  await leader.report({ leaving: true });
  assert.equal(await hosts.leading(), 'leader', 'no host could continue');
  await hosts.standsBy();
  await leader.report({ leaving: true });
  assert.equal(await hosts.leading(), 'standby');
  assert.equal((await hosts.show()).linkspan.takenOver.reason, 'LEFT');
  await hosts.standby.report({ leaving: true });
  assert.equal(await hosts.leading(), 'standby', 'the former leader does not stand by');
});

test('a migration moves by itself from a host that cannot reach a cluster to one that can, at most once in ten minutes', async () => {
  await using hosts = await startRunning();
  const { id, leader, standby, clock } = hosts;
  const cutOff = async (agent: TwoHosts['leader']) => {
    await agent.report({ migrations: [{ id, progress: progress(id) }], cutOff: [id] });
    await agent.report({});
  };
  // Moves that an operator has requested don't count.
  await hosts.ask('move', { migrationHost: 'standby' });
  await leader.report({ standbys: [{ id, record: 'WRITTEN' }] });
  await hosts.ask('move', { migrationHost: 'leader' });
  await standby.report({});
  await hosts.standsBy('UNREAD');
  await cutOff(leader);
  assert.equal(await hosts.leading(), 'leader', 'the other host cannot either');
  await hosts.standsBy();
  await cutOff(leader);
  assert.equal(await hosts.leading(), 'standby');
  assert.equal((await hosts.show()).linkspan.takenOver.reason, 'CUT_OFF');
  assert.equal((await events(hosts, 'LIVE_MIGRATION_MOVE_REQUESTED')).length, 3);

  const standsBy = () => leader.report({ standbys: [{ id, record: 'WRITTEN' }] });
  clock.nowMs += 599_999;
  await standsBy();
  await cutOff(standby);
  assert.equal(await hosts.leading(), 'standby');
  clock.nowMs += 1;
  await standsBy();
  await cutOff(standby);
  assert.equal(await hosts.leading(), 'leader');
});
