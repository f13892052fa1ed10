import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DigestSession } from '../../src/digest/index.ts';
import { loadSigningKey, newSigningKey, signRequest } from '../../src/link/index.ts';
import { AgentClient, createToken, linkAgent } from '../gateway/agent-client.ts';
import { requestFrom } from '../support/request-from.ts';
import { ATLAS, addOrganization, type ControlPlane, startControlPlane } from './control-plane.ts';
import { FakeClock } from './fake-clock.ts';

const HERE = '127.0.0.1';
const ELSEWHERE = '127.0.0.2';
const ORGS = '/api/atlas/v2/orgs';

/** The credentials of one request with digest, under a fresh nonce. */
async function credentials(address: string, { url }: ControlPlane, user: readonly [string, string]) {
  const challenge = await requestFrom(address, url + ORGS, { headers: { accept: ATLAS } });
  const session = new DigestSession(...user);
  session.accept(String(challenge.headers['www-authenticate']));
  return String(session.authorization('GET', ORGS));
}

async function digestFrom(address: string, plane: ControlPlane, user: readonly [string, string]) {
  const authorization = await credentials(address, plane, user);
  return await requestFrom(address, plane.url + ORGS, { headers: { accept: ATLAS, authorization } });
}

const tokenFrom = (address: string, { url }: ControlPlane, client: string, secret: string) =>
  requestFrom(address, `${url}/api/oauth/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${client}:${secret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: 'grant_type=client_credentials',
  });

const bearerFrom = (address: string, { url }: ControlPlane, token: string) =>
  requestFrom(address, url + ORGS, { headers: { accept: ATLAS, authorization: `Bearer ${token}` } });

function forgedPollFrom(address: string, { url }: ControlPlane, agent: AgentClient) {
  const body = '{}';
  const signed = signRequest(
    loadSigningKey(newSigningKey()),
    { method: 'POST', target: '/link/v1/poll', body },
    { agentId: agent.agentId, audience: agent.audience },
    Date.now(),
  );
  const headers = { ...signed, 'content-type': 'application/json' };
  return requestFrom(address, `${url}/link/v1/poll`, { method: 'POST', headers, body });
}

// id: too-many-failed-attempts
test('after too many failed attempts in a minute an address gets 429 from every API; valid credentials still work there, and other addresses are not affected', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock, failedAttemptsPerMinute: 60 });
  const agent = await linkAgent(plane);
  const newcomer = await addOrganization(plane, plane.orgId, ['ORG_MEMBER']);
  for (let at = 0; at < 60; at += 1) assert.equal((await digestFrom(HERE, plane, [`nobody-${at}`, 'x'])).status, 401);
  const refused = await digestFrom(HERE, plane, ['nobody', 'x']);
  assert.deepEqual(
    [refused.status, refused.headers['retry-after'], refused.headers.connection],
    [429, '1', 'close'],
    'the clock of this test stands still',
  );
  assert.equal(JSON.parse(refused.text).errorCode, 'TOO_MANY_FAILED_ATTEMPTS');
  const oauth = await tokenFrom(HERE, plane, 'somebody', 'x');
  assert.deepEqual([oauth.status, JSON.parse(oauth.text).error], [429, 'temporarily_unavailable']);
  assert.ok(oauth.headers['retry-after']);
  assert.equal((await bearerFrom(HERE, plane, 'a.b.c')).status, 429);
  assert.equal((await forgedPollFrom(HERE, plane, agent)).status, 429);
  const stranger = new AgentClient(plane.url, undefined, () => clock.now());
  assert.equal((await stranger.redeem('mlt_nonsense')).status, 429);

  assert.equal((await digestFrom(HERE, plane, newcomer)).status, 200, 'a key that was never used there before');
  assert.equal((await agent.report({})).status, 200);
  assert.equal((await stranger.redeem(await createToken(plane), 'host-2')).status, 201);
  assert.equal((await digestFrom(ELSEWHERE, plane, ['nobody', 'x'])).status, 401);
  clock.nowMs += 1_000;
  assert.equal((await digestFrom(HERE, plane, ['nobody', 'x'])).status, 401);
  assert.equal((await digestFrom(HERE, plane, ['nobody', 'x'])).status, 429);
});

test('after half of the attempts at one key, even its right credentials are refused, unless that key has worked from there within the hour', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock, failedAttemptsPerMinute: 60 });
  const guessed = await addOrganization(plane, plane.orgId, ['ORG_MEMBER']);
  const used = await addOrganization(plane, plane.orgId, ['ORG_MEMBER']);
  assert.equal((await digestFrom(HERE, plane, used)).status, 200);
  for (const [name] of [guessed, used]) {
    for (let at = 0; at < 30; at += 1) await digestFrom(HERE, plane, [name, 'wrong']);
  }
  const refused = await digestFrom(HERE, plane, guessed);
  assert.deepEqual([refused.status, refused.headers['retry-after']], [429, '2'], 'the right key among the guesses');
  assert.equal((await digestFrom(HERE, plane, used)).status, 200);
  assert.equal((await digestFrom(ELSEWHERE, plane, guessed)).status, 200);
  clock.nowMs += 2_000;
  assert.equal((await digestFrom(HERE, plane, guessed)).status, 200);
});

test('a right guess among many parallel ones is refused like the wrong ones after the limit is reached', async () => {
  await using plane = await startControlPlane({ clock: new FakeClock(), failedAttemptsPerMinute: 20 });
  const guessed = await addOrganization(plane, plane.orgId, ['ORG_MEMBER']);
  const guesses = Array.from({ length: 40 }, (_, at) => (at === 39 ? guessed : ([guessed[0], 'wrong'] as const)));
  const headers = await Promise.all(guesses.map((guess) => credentials(HERE, plane, guess)));
  // All start in one turn of the event loop, so each passes the first check before any has failed.
  const answers = await Promise.all(
    headers.map((authorization) => plane.app.inject({ url: ORGS, headers: { accept: ATLAS, authorization } })),
  );
  assert.equal(answers[0]?.statusCode, 401);
  assert.equal(answers.at(-1)?.statusCode, 429);
  assert.equal((await digestFrom(ELSEWHERE, plane, guessed)).status, 200);
});

test('a request without credentials is no failed attempt', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock, failedAttemptsPerMinute: 1 });
  for (let at = 0; at < 10; at += 1) {
    assert.equal((await requestFrom(HERE, plane.url + ORGS, { headers: { accept: ATLAS } })).status, 401);
    assert.equal((await requestFrom(HERE, `${plane.url}/api/oauth/token`, { method: 'POST' })).status, 401);
  }
  assert.equal((await digestFrom(HERE, plane, ['nobody', 'x'])).status, 401);
  assert.equal((await digestFrom(HERE, plane, ['nobody', 'x'])).status, 429);
});

test('behind a trusted proxy each client has its own limit, and no client can choose another address by a header', async () => {
  await using plane = await startControlPlane({
    clock: new FakeClock(),
    failedAttemptsPerMinute: 2,
    trustedProxies: [ELSEWHERE],
  });
  const attempt = (from: string, client: string) =>
    requestFrom(from, plane.url + ORGS, {
      headers: { accept: ATLAS, authorization: 'Bearer x', 'x-forwarded-for': client },
    });
  const statuses = async (from: string, clients: readonly string[]) => {
    const all: number[] = [];
    for (const client of clients) all.push((await attempt(from, client)).status);
    return all;
  };
  const block = ['2001:db8::1', '2001:db8::2', '2001:db8::3'];
  assert.deepEqual(await statuses(ELSEWHERE, block), [401, 429, 429], 'one name, one IPv6 block');
  assert.deepEqual(await statuses(ELSEWHERE, ['192.0.2.1']), [401]);
  assert.deepEqual(await statuses(HERE, ['192.0.2.2', '192.0.2.3', '192.0.2.4']), [401, 429, 429]);
});
