import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onFailpoint } from '../../src/platform/index.ts';
import { type ControlPlane, type Page, startControlPlane } from '../atlas-api/control-plane.ts';
import { cliBody, prepare } from '../atlas-api/migration-world.ts';
import { AgentClient, createToken, linkAgent } from './agent-client.ts';

const linksOf = (plane: ControlPlane) => `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations/links`;

interface ShownLink {
  readonly id: string;
  readonly agentId: string;
  readonly status: string;
}

async function links(plane: ControlPlane): Promise<readonly ShownLink[]> {
  return (await plane.api<Page<ShownLink>>('GET', linksOf(plane))).json.results;
}

/** Creates an agent with its own key that redeems a token as the host. */
async function redeemAs(plane: ControlPlane, token: string, host: string): Promise<AgentClient> {
  const agent = new AgentClient(plane.url);
  const answer = await agent.redeem(token, host);
  assert.equal(answer.status, 201, answer.text);
  agent.agentId = String(answer.json.agentId);
  return agent;
}

// id: leaked-link-token
test('a leaked link-token does not take over a host: its agent gets nothing before an owner approves it', async () => {
  await using plane = await startControlPlane();
  const agent = await linkAgent(plane, 'mover');
  const stranger = await redeemAs(plane, await createToken(plane), 'mover');
  for (const call of [() => stranger.poll(null), () => stranger.report({})]) {
    const { status, json } = await call();
    assert.deepEqual([status, json.errorCode], [403, 'AGENT_PENDING_APPROVAL']);
  }
  assert.equal((await agent.poll(null)).status, 200, 'the linked agent keeps working');
  const pending = (await links(plane)).find(({ status }) => status === 'PENDING_APPROVAL');
  assert.equal(pending?.agentId, stranger.agentId);
  assert.equal((await plane.api('POST', `${linksOf(plane)}/${pending?.id}/approve`)).status, 204);
  assert.equal((await stranger.poll(null)).status, 200);
  assert.equal((await agent.poll(null)).json.errorCode, 'AGENT_SUPERSEDED');
});

test('a rejected agent is disconnected like any other, and the linked agent keeps working', async () => {
  await using plane = await startControlPlane();
  const agent = await linkAgent(plane, 'mover');
  const stranger = await redeemAs(plane, await createToken(plane), 'mover');
  const pending = (await links(plane)).find(({ status }) => status === 'PENDING_APPROVAL');
  assert.equal((await plane.api('DELETE', `${linksOf(plane)}/${pending?.id}`)).status, 204);
  assert.equal((await stranger.poll(null)).json.errorCode, 'LINK_REVOKED');
  assert.equal((await agent.poll(null)).status, 200);
  assert.equal((await plane.api('DELETE', `${linksOf(plane)}/${pending?.id}`)).json.errorCode, 'LINK_NOT_FOUND');
});

test('a token that names a host links only that host, and replaces its agent', async () => {
  await using plane = await startControlPlane();
  const agent = await linkAgent(plane, 'mover');
  const path = `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations/linkTokens`;
  const made = await plane.api('POST', path, { body: { migrationHost: 'mover' } });
  const token = String(made.json.linkToken);
  const other = await new AgentClient(plane.url).redeem(token, 'elsewhere');
  assert.deepEqual([other.status, other.json.errorCode], [403, 'LINK_TOKEN_FOR_ANOTHER_HOST']);
  const successor = await redeemAs(plane, token, 'mover');
  assert.equal((await successor.poll(null)).status, 200);
  assert.equal((await agent.poll(null)).json.errorCode, 'AGENT_SUPERSEDED');
});

test('an agent of another version is refused by name, and neither uses its token up nor replaces the linked agent', async () => {
  await using plane = await startControlPlane();
  const agent = await linkAgent(plane, 'mover');
  const token = await createToken(plane, [], 'mover');
  const refused = await new AgentClient(plane.url).redeem(token, 'mover', 1);
  assert.deepEqual([refused.status, refused.json.errorCode], [400, 'LINK_MESSAGE_INVALID']);
  assert.match(String(refused.json.detail), /the version of the agent is another one/);
  assert.equal((await agent.poll(null)).status, 200);
  await redeemAs(plane, token, 'mover');
});

test('a host name is printable and short, or the redemption is refused', async () => {
  await using plane = await startControlPlane();
  for (const host of ['', 'a b', 'x'.repeat(256), '\u001b[31mred', 'a\nb', 'ünicode']) {
    const answer = await new AgentClient(plane.url).redeem(await createToken(plane), host);
    assert.deepEqual([answer.status, answer.json.errorCode], [400, 'LINK_MESSAGE_INVALID'], JSON.stringify(host));
  }
});

// id: revoked-agent
test('a revoked agent is refused at once, and its running migration fails with the reason without a report of the agent', async () => {
  await using plane = await startControlPlane();
  const { agent, groupId, path } = await prepare(plane);
  const started = await plane.api('POST', path, { body: cliBody(groupId) });
  const [link] = await links(plane);
  const waiting = agent.poll(String((await agent.poll(null)).json.revision), 30);
  assert.equal((await plane.api('DELETE', `${linksOf(plane)}/${link?.id}`)).status, 204);
  assert.equal((await waiting).json.errorCode, 'LINK_REVOKED', 'a waiting poll is refused, too');
  assert.equal((await agent.report({})).json.errorCode, 'LINK_REVOKED');
  const shown = await plane.api('GET', `${path}/${started.json._id}`);
  assert.equal(shown.json.status, 'FAILED');
  assert.match(String(shown.json.errorMessage), /An owner of the organization revoked the link/);
  const events = await plane.api('GET', `/api/atlas/v2/orgs/${plane.orgId}/events`);
  assert.match(events.text, /LINK_REVOKED/);
});

test('a server that is killed during a revocation has revoked all or nothing', async () => {
  await using plane = await startControlPlane();
  const agent = await linkAgent(plane);
  const [link] = await links(plane);
  {
    using _killed = onFailpoint('store.commit', () => {
      throw Object.assign(new Error('database or disk is full'), { errcode: 13 });
    });
    assert.notEqual((await plane.api('DELETE', `${linksOf(plane)}/${link?.id}`)).status, 204);
  }
  assert.equal((await agent.poll(null)).status, 200);
});

test('an agent that reports its unlinking ends its link, and any token can link its host name', async () => {
  await using plane = await startControlPlane();
  const agent = await linkAgent(plane, 'mover');
  const answer = await agent.send('unlink', {});
  assert.deepEqual([answer.status, answer.json.ended], [200, true]);
  assert.deepEqual(await links(plane), []);
  for (const call of [() => agent.poll(null), () => agent.send('unlink', {})]) {
    assert.equal((await call()).json.errorCode, 'LINK_DELETED');
  }
  await redeemAs(plane, await createToken(plane), 'mover');
  assert.deepEqual(
    (await links(plane)).map(({ status }) => status),
    ['LINKED'],
  );
  const events = `/api/atlas/v2/orgs/${plane.orgId}/events?eventType=LINK_ENDED_BY_HOST`;
  assert.equal((await plane.api<Page<unknown>>('GET', events)).json.results.length, 1);
});

test('only an agent itself can end its link; an agent with another key, or one that waits for its host name, cannot', async () => {
  await using plane = await startControlPlane();
  const agent = await linkAgent(plane, 'mover');
  const stranger = new AgentClient(plane.url);
  stranger.agentId = agent.agentId;
  stranger.audience = agent.audience;
  assert.equal((await stranger.send('unlink', {})).json.errorCode, 'PROOF_WRONG');
  const other = await redeemAs(plane, await createToken(plane), 'other');
  assert.equal((await other.send('unlink', {})).status, 200);
  assert.equal((await agent.poll(null)).status, 200);
  // An agent that waits for approval ends its own link, and not the link of the host that it names.
  const pending = await redeemAs(plane, await createToken(plane), 'mover');
  const waiting = (await links(plane)).find(({ agentId }) => agentId === pending.agentId);
  assert.deepEqual((await pending.send('unlink', {})).json, { ended: true });
  assert.equal((await plane.api('POST', `${linksOf(plane)}/${waiting?.id}/approve`)).json.errorCode, 'LINK_NOT_FOUND');
  assert.equal((await pending.send('unlink', {})).json.errorCode, 'LINK_DELETED');
  assert.equal((await agent.poll(null)).status, 200);
});

test('an agent with an active migration keeps its link, so that no other agent inherits the migration without an owner', async () => {
  await using plane = await startControlPlane();
  const { path, groupId, agent } = await prepare(plane);
  const created = await plane.api('POST', path, { body: cliBody(groupId) });
  assert.equal(created.status, 201);
  assert.equal((await agent.send('unlink', {})).json.ended, false);
  const stranger = await redeemAs(plane, await createToken(plane), 'host-1');
  assert.equal((await stranger.poll(null)).json.errorCode, 'AGENT_PENDING_APPROVAL');
});
