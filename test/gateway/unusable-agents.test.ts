import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadSigningKey, newSigningKey, signRequest } from '../../src/link/index.ts';
import { type ControlPlane, type Page, startControlPlane } from '../atlas-api/control-plane.ts';
import { FakeClock } from '../atlas-api/fake-clock.ts';
import { AgentClient, createToken } from './agent-client.ts';

const HOUR_MS = 3_600_000;
/** Half of the failed attempts of an address. */
const ATTEMPTS_OF_A_NAME = 30;

interface ShownLink {
  readonly id: string;
  readonly agentId: string;
}

/** An agent whose signed requests a test can send more than once. */
async function link(plane: ControlPlane, host: string, migrationHost?: string) {
  const now = () => plane.control.clock.now();
  const key = loadSigningKey(newSigningKey());
  const agent = new AgentClient(plane.url, key, now);
  const redeemed = await agent.redeem(await createToken(plane, [], migrationHost), host);
  assert.equal(redeemed.status, 201, redeemed.text);
  agent.agentId = String(redeemed.json.agentId);
  const sign = (): RequestInit => {
    const body = '{}';
    const signed = signRequest(key, { method: 'POST', target: '/link/v1/report', body }, agent, now());
    return { method: 'POST', body, headers: { 'content-type': 'application/json', ...signed } };
  };
  const codeOf = async (request: RequestInit) => {
    const answer = await fetch(`${plane.url}/link/v1/report`, request);
    return ((await answer.json()) as { errorCode: string }).errorCode;
  };
  return { agent, sign, codeOf };
}

async function linkOf(plane: ControlPlane, { agentId }: AgentClient): Promise<string> {
  const path = `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations/links`;
  const links = (await plane.api<Page<ShownLink>>('GET', path)).json.results;
  return `${path}/${links.find((shown) => shown.agentId === agentId)?.id}`;
}

// id: refused-stores-nothing
test('the control plane stores nothing of a request that it refuses for the state of the link or the address', async () => {
  await using plane = await startControlPlane();
  const revoked = await link(plane, 'revoked');
  await plane.api('DELETE', await linkOf(plane, revoked.agent));
  const superseded = await link(plane, 'mover', 'mover');
  await link(plane, 'mover', 'mover');
  const pending = await link(plane, 'mover');
  const elsewhere = await link(plane, 'elsewhere');
  const path = await linkOf(plane, elsewhere.agent);
  const open = (await plane.store.find('links', { orgId: plane.orgId, ended: null })).find(({ id }) =>
    path.endsWith(id),
  );
  assert.ok(open);
  await plane.store.write((transaction) => transaction.update('links', { ...open, accessListIps: ['192.0.2.1'] }));
  for (const [{ sign, codeOf }, code] of [
    [revoked, 'LINK_REVOKED'],
    [superseded, 'AGENT_SUPERSEDED'],
    [pending, 'AGENT_PENDING_APPROVAL'],
    [elsewhere, 'AGENT_ADDRESS_REFUSED'],
  ] as const) {
    const request = sign();
    // A request whose nonce was stored would be refused as replayed the second time.
    assert.deepEqual([await codeOf(request), await codeOf(request)], [code, code]);
  }
});

test('an agent that is sent away again and again is refused unchecked, and no one else at its address notices', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const { agent } = await link(plane, 'mover', 'mover');
  const revoked = await link(plane, 'revoked');
  await plane.api('DELETE', await linkOf(plane, revoked.agent));
  const waiting = await Promise.all([1, 2].map(() => link(plane, 'mover')));
  for (const [{ sign, codeOf }, code] of [
    [revoked, 'LINK_REVOKED'],
    ...waiting.map((one) => [one, 'AGENT_PENDING_APPROVAL'] as const),
  ] as const) {
    for (let at = 0; at < ATTEMPTS_OF_A_NAME; at += 1) assert.equal(await codeOf(sign()), code);
    assert.equal(await codeOf(sign()), 'TOO_MANY_FAILED_ATTEMPTS');
  }

  assert.equal((await agent.report({})).status, 200, 'the linked agent');
  await link(plane, 'new');
  const wrong = await plane.api('GET', '/api/atlas/v2/orgs', { user: ['nobody', 'x'] });
  assert.equal(wrong.status, 401, 'more refusals than an address may have, and it still hears the reason');

  const [approved] = waiting;
  assert.ok(approved);
  assert.equal((await plane.api('POST', `${await linkOf(plane, approved.agent)}/approve`)).status, 204);
  clock.nowMs += 2_000;
  assert.equal((await approved.agent.report({})).status, 200, 'an approved agent waits for one attempt at most');
});

test('an agent that worked within the hour always hears that its link was revoked', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const { agent, sign, codeOf } = await link(plane, 'mover');
  assert.equal((await agent.report({})).status, 200);
  await plane.api('DELETE', await linkOf(plane, agent));
  for (let at = 0; at <= ATTEMPTS_OF_A_NAME; at += 1) assert.equal(await codeOf(sign()), 'LINK_REVOKED');
  clock.nowMs += HOUR_MS;
  for (let at = 0; at < ATTEMPTS_OF_A_NAME; at += 1) assert.equal(await codeOf(sign()), 'LINK_REVOKED');
  assert.equal(await codeOf(sign()), 'TOO_MANY_FAILED_ATTEMPTS');
});
