import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findOne } from '../../src/control/index.ts';
import { parseLinkToken } from '../../src/link/index.ts';
import { type ControlPlane, startControlPlane } from '../atlas-api/control-plane.ts';
import { AgentClient, createToken } from './agent-client.ts';

const tokensOf = (plane: ControlPlane) => `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations/linkTokens`;

/** The sets of the links of a control plane, by the hosts of their agents. */
async function setsOf(plane: ControlPlane): Promise<Record<string, string | undefined>> {
  const links = await plane.store.find('links', { orgId: plane.orgId, ended: null, approved: true });
  const hosts = links.map(async ({ id, setId }) => [
    (await findOne(plane.store, 'agents', { linkId: id }))?.host,
    setId,
  ]);
  return Object.fromEntries(await Promise.all(hosts));
}

test('a link-token for two hosts links two agents with keys of their own, and no third one', async () => {
  await using plane = await startControlPlane();
  const token = await createToken(plane, [], undefined, 2);
  const [first, second] = [new AgentClient(plane.url), new AgentClient(plane.url)];
  const linked = await first.redeem(token, 'mover-1');
  assert.equal(linked.status, 201);
  // The agent was killed before it read the answer, and asks again: that takes no place of the second one.
  assert.deepEqual((await first.redeem(token, 'mover-1')).json, linked.json);
  const other = await second.redeem(token, 'mover-2');
  assert.equal(other.status, 201);
  assert.notEqual(other.json.agentId, linked.json.agentId);
  const third = await new AgentClient(plane.url).redeem(token, 'mover-3');
  assert.deepEqual([third.status, third.json.errorCode], [409, 'LINK_TOKEN_USED']);
  const { id } = parseLinkToken(token);
  assert.deepEqual(await setsOf(plane), { 'mover-1': id, 'mover-2': id });
});

test('an agent that replaces one of several hosts stands by for the other ones', async () => {
  await using plane = await startControlPlane();
  const token = await createToken(plane, [], undefined, 2);
  for (const host of ['mover-1', 'mover-2']) await new AgentClient(plane.url).redeem(token, host);
  await new AgentClient(plane.url).redeem(await createToken(plane, [], 'mover-1'), 'mover-1');
  const { id } = parseLinkToken(token);
  assert.deepEqual(await setsOf(plane), { 'mover-1': id, 'mover-2': id });
});

test('an agent that is linked anew with a token for several hosts leaves its former set', async () => {
  await using plane = await startControlPlane();
  await new AgentClient(plane.url).redeem(await createToken(plane), 'mover-1');
  const token = await createToken(plane, [], undefined, 2);
  for (const host of ['mover-1', 'mover-2']) await new AgentClient(plane.url).redeem(token, host);
  const links = `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations/links`;
  const pending = (await plane.store.find('links', { orgId: plane.orgId, approved: false }))[0];
  assert.equal((await plane.api('POST', `${links}/${pending?.id}/approve`)).status, 204);
  const { id } = parseLinkToken(token);
  assert.deepEqual(await setsOf(plane), { 'mover-1': id, 'mover-2': id });
});

test('a link-token is for 1 to 5 hosts, and one that names its host is for that one', async () => {
  await using plane = await startControlPlane();
  for (const body of [
    ...[0, 6, 1.5, '2'].map((hosts) => ({ linkspan: { hosts } })),
    { migrationHost: 'mover', linkspan: { hosts: 2 } },
    { linkspan: { hosts: 1, host: 'mover' } },
  ]) {
    const refused = await plane.api('POST', tokensOf(plane), { body });
    assert.equal(refused.status, 400, JSON.stringify(body));
  }
  for (const body of [{ linkspan: {} }, { linkspan: null }, { migrationHost: 'mover', linkspan: { hosts: 1 } }]) {
    assert.equal((await plane.api('POST', tokensOf(plane), { body })).status, 201, JSON.stringify(body));
  }
});
