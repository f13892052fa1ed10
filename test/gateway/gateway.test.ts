import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkedAgentsOf } from '../../src/control/index.ts';
import { AnswerKey, formatLinkToken, newLinkToken, parseLinkToken, wantedState } from '../../src/link/index.ts';
import { onFailpoint } from '../../src/platform/index.ts';
import { startControlPlane } from '../atlas-api/control-plane.ts';
import { FakeClock } from '../atlas-api/fake-clock.ts';
import { AgentClient, createToken, linkAgent } from './agent-client.ts';

const SIX_MINUTES_MS = 360_000;
/** A poll of an agent that has no state yet. */
const POLL = { revision: null, waitSeconds: 0, answerKey: new AnswerKey().publicKey };
/** A poll waits for 60 s, so an agent that needs longer than this was not woken. */
const AT_ONCE_MS = 10_000;

test('a link-token is redeemed once: of 100 agents that race for it one is linked, and 99 get the error that it was used', async () => {
  await using plane = await startControlPlane({ failedAttemptsPerMinute: Number.POSITIVE_INFINITY });
  const token = await createToken(plane);
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, at) => new AgentClient(plane.url).redeem(token, `host-${at}`)),
  );
  assert.equal(answers.filter(({ status }) => status === 201).length, 1);
  const losers = answers.filter(({ status }) => status === 409);
  assert.equal(losers.length, 99);
  for (const { json } of losers) assert.equal(json.errorCode, 'LINK_TOKEN_USED');
  assert.equal((await linkedAgentsOf(plane.store, plane.orgId)).length, 1);
});

test('an agent that was killed before it read the answer redeems again with its key and keeps its identity', async () => {
  await using plane = await startControlPlane();
  const token = await createToken(plane);
  const agent = new AgentClient(plane.url);
  const first = await agent.redeem(token);
  const second = await agent.redeem(token);
  assert.equal(second.status, 201);
  assert.deepEqual(second.json, first.json);
});

test('a damaged, forged or deleted token, or one of another server, is refused with its cause and remedy', async () => {
  await using plane = await startControlPlane();
  const token = await createToken(plane);
  const { id, serverKey } = parseLinkToken(token);
  const guessed = formatLinkToken({ ...newLinkToken({ serverUrl: plane.url, serverKey }), id });
  const foreign = formatLinkToken(newLinkToken({ serverUrl: 'https://other.example', serverKey }));
  await plane.api('DELETE', `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations/linkTokens`);
  const cases = [
    ['nonsense', 400, 'LINK_TOKEN_MALFORMED'],
    [`${token.slice(0, -1)}${token.endsWith('x') ? 'y' : 'x'}`, 400, 'LINK_TOKEN_CHECKSUM'],
    [guessed, 404, 'LINK_TOKEN_UNKNOWN'],
    [foreign, 404, 'LINK_TOKEN_UNKNOWN'],
    [token, 404, 'LINK_TOKEN_UNKNOWN'],
  ] as const;
  for (const [text, status, errorCode] of cases) {
    const { json, text: body, ...answer } = await new AgentClient(plane.url).redeem(text);
    assert.equal(answer.status, status, errorCode);
    assert.deepEqual(Object.keys(json), ['error', 'errorCode', 'detail', 'remedy']);
    assert.equal(json.errorCode, errorCode);
    assert.ok(!body.includes(text));
  }
});

test('an expired token is refused with its expiry time; a link outlives its token', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock, linkTokenLifetimeMs: 3_600_000 });
  const [token, unused] = [await createToken(plane), await createToken(plane)];
  const agent = new AgentClient(plane.url, undefined, () => clock.now());
  agent.agentId = String((await agent.redeem(token)).json.agentId);
  clock.nowMs += 3_600_000;
  const late = await new AgentClient(plane.url, undefined, () => clock.now()).redeem(unused);
  assert.equal(late.status, 410);
  const { id } = parseLinkToken(unused);
  assert.equal(late.json.detail, `Link-token ${id} expired at 2026-11-01T13:00:00.000Z.`);
  assert.equal((await agent.poll(null)).status, 200);
  agent.agentId = undefined;
  assert.equal((await agent.redeem(token)).status, 201, 'the same agent repeats its redemption');
});

test('an agent that is not on the access list of a token cannot redeem it, and an agent that is on it still can', async () => {
  await using plane = await startControlPlane();
  const refused = await new AgentClient(plane.url).redeem(await createToken(plane, ['192.0.2.0/24', '2001:db8::1']));
  assert.equal(refused.status, 403);
  assert.equal(refused.json.detail, 'The address 127.0.0.1 is not on the access list of this link-token.');
  assert.equal((await new AgentClient(plane.url).redeem(await createToken(plane, ['127.0.0.0/8']))).status, 201);
});

test('the access list applies to every later request, too', async () => {
  await using plane = await startControlPlane();
  const agent = await linkAgent(plane);
  const [link] = await plane.store.find('links', { orgId: plane.orgId, ended: null });
  assert.ok(link);
  await plane.store.write((transaction) => transaction.update('links', { ...link, accessListIps: ['192.0.2.1'] }));
  for (const answer of [await agent.poll(null), await agent.report({})]) {
    assert.equal(answer.status, 403);
    assert.equal(answer.json.errorCode, 'AGENT_ADDRESS_REFUSED');
  }
});

test('only signed requests of the agent itself are accepted: unsigned, wrongly signed, replayed, old and unknown ones are refused', async () => {
  await using plane = await startControlPlane();
  const agent = await linkAgent(plane);
  const stranger = new AgentClient(plane.url);
  stranger.agentId = agent.agentId;
  const unsigned = await fetch(`${plane.url}/link/v1/poll`, { method: 'POST', body: '{}' });
  assert.equal(unsigned.status, 401);
  assert.equal((await stranger.poll(null)).json.errorCode, 'PROOF_WRONG');
  const late = await agent.send('poll', POLL, { nowMs: Date.now() - SIX_MINUTES_MS });
  assert.equal(late.json.errorCode, 'CLOCK_SKEW');
  stranger.agentId = 'f'.repeat(24);
  assert.equal((await stranger.poll(null)).json.errorCode, 'AGENT_UNKNOWN');
});

// id: replayed-request
test('a replayed request is refused, although its signature is valid', async () => {
  await using plane = await startControlPlane();
  const agent = await linkAgent(plane);
  let copy: Record<string, string> = {};
  plane.app.server.once('request', (request) => {
    copy = Object.fromEntries(
      Object.entries(request.headers).filter(([name]) => name.startsWith('linkspan-')),
    ) as typeof copy;
  });
  assert.equal((await agent.send('poll', POLL)).status, 200);
  const replayed = await agent.send('poll', POLL, { headers: copy });
  assert.equal(replayed.status, 401);
  assert.equal(replayed.json.errorCode, 'REQUEST_REPLAYED');
});

test('an invalid message is refused with the name of the wrong attribute', async () => {
  await using plane = await startControlPlane();
  const agent = await linkAgent(plane);
  for (const [field, value] of [
    ['waitSeconds', 61],
    ['answerKey', 'short'],
    ['answerKey', 'A'.repeat(43)], // With this point, every key has the same shared secret.
  ] as const) {
    const answer = await agent.send('poll', { ...POLL, [field]: value });
    assert.equal(answer.status, 400, `${field}: ${answer.text}`);
    assert.match(String(answer.json.detail), new RegExp(field));
  }
  assert.equal((await agent.send('nonsense', {})).status, 404);
});

test('a poll returns at once when there is news for the agent; otherwise it waits until its timeout', async () => {
  await using plane = await startControlPlane();
  const agent = await linkAgent(plane);
  const state = wantedState.parse((await agent.poll(null, 60)).json);
  const serverKeys = [...plane.control.serverKeys.publicKeys];
  assert.deepEqual(
    { ...state, revision: '' },
    { revision: '', serverKeys, standbys: [], validations: [], migrations: [], watches: [] },
  );
  const started = performance.now();
  const same = wantedState.parse((await agent.poll(state.revision, 1)).json);
  assert.equal(same.revision, state.revision);
  assert.ok(performance.now() - started > 900);
});

test('deleting the links ends them at once: a waiting poll is answered, and later requests are refused', async () => {
  await using plane = await startControlPlane();
  const agent = await linkAgent(plane);
  const { revision } = wantedState.parse((await agent.poll(null)).json);
  const waiting = agent.poll(revision, 60, AbortSignal.timeout(AT_ONCE_MS));
  assert.equal((await plane.api('DELETE', `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations/linkTokens`)).status, 204);
  for (const answer of [await waiting, await agent.report({})]) {
    assert.equal(answer.status, 410);
    assert.equal(answer.json.errorCode, 'LINK_DELETED');
  }
});

test('an agent that is linked with a token for its host replaces the agent of that host', async () => {
  await using plane = await startControlPlane();
  const old = await linkAgent(plane, 'host-1');
  await linkAgent(plane, 'host-2');
  const successor = await linkAgent(plane, 'host-1');
  assert.equal((await old.poll(null)).json.errorCode, 'AGENT_SUPERSEDED');
  assert.equal((await successor.poll(null)).status, 200);
  const hosts = (await linkedAgentsOf(plane.store, plane.orgId)).map(({ host }) => host);
  assert.deepEqual(hosts.sort(), ['host-1', 'host-2']);
});

test('repeated and reordered reports change nothing', async () => {
  await using plane = await startControlPlane();
  const agent = await linkAgent(plane);
  const inventory = (name: string) => [{ projectId: '6'.repeat(24), name, deployments: [] }];
  const send = (sequence: number, name: string) =>
    agent.send('report', { sequence, inventory: inventory(name), validations: [], migrations: [], takenOver: [] });
  assert.equal((await send(100, 'new')).json.sequence, 100);
  assert.equal((await send(100, 'doubled')).json.sequence, 100);
  assert.equal((await send(99, 'late')).json.sequence, 100);
  const [kept] = await linkedAgentsOf(plane.store, plane.orgId);
  assert.deepEqual(kept?.inventory, inventory('new'));
});

test('a report is answered only after it is stored', async () => {
  await using plane = await startControlPlane();
  const agent = await linkAgent(plane);
  let stored: number | undefined;
  using _hook = onFailpoint('control.report.committed', async () => {
    stored = (await linkedAgentsOf(plane.store, plane.orgId))[0]?.lastSequence;
  });
  const { json } = await agent.report({});
  assert.equal(stored, json.sequence);
});
