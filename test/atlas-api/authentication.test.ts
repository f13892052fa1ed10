import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';
import { SignJWT } from 'jose';
import { accountNamed, findAccount } from '../../src/control/index.ts';
import { DigestSession } from '../../src/digest/index.ts';
import { DigestAuthenticator } from '../../src/http/index.ts';
import { ATLAS, addOrganization, type ControlPlane, startControlPlane } from './control-plane.ts';
import { FakeClock } from './fake-clock.ts';

const CLIENT_ID = `mdb_sa_id_${'0f'.repeat(12)}`;
const SECRET = 'mdb_sa_sk_a secret/with+odd:characters%';
const ACCOUNT = { clientId: CLIENT_ID, secret: SECRET };
const ORGS = '/api/atlas/v2/orgs';

const encoded = (text: string) => encodeURIComponent(text).replaceAll('%20', '+');
const basic = (id: string, secret: string) =>
  `Basic ${Buffer.from(`${encoded(id)}:${encoded(secret)}`).toString('base64')}`;

function oauth(
  plane: ControlPlane,
  call: string,
  form: Record<string, string> | string,
  authorization = basic(CLIENT_ID, SECRET),
) {
  return fetch(`${plane.url}/api/oauth/${call}`, {
    method: 'POST',
    headers: { authorization, accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form),
  });
}

async function newToken(plane: ControlPlane): Promise<string> {
  const answer = await oauth(plane, 'token', { grant_type: 'client_credentials' });
  return ((await answer.json()) as { access_token: string }).access_token;
}

const withToken = (plane: ControlPlane, token: string) =>
  plane.api('GET', ORGS, { headers: { authorization: `Bearer ${token}` } });

test('a service account gets an access token with credentials in the form encoding of SDKs, and uses it', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock, bootstrapping: { serviceAccount: ACCOUNT } });
  const answer = await oauth(plane, 'token', { grant_type: 'client_credentials' });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  const { access_token, ...rest } = (await answer.json()) as Record<string, unknown>;
  assert.deepEqual(rest, { expires_in: 3600, token_type: 'Bearer' });
  assert.equal((await withToken(plane, String(access_token))).status, 200);
  const path = `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations/linkTokens`;
  const headers = { authorization: `Bearer ${access_token}` };
  assert.equal((await plane.api('POST', path, { headers, body: {} })).status, 201);
  clock.nowMs += 3599_000;
  assert.equal((await withToken(plane, String(access_token))).status, 200);
  clock.nowMs += 1_000;
  assert.equal((await withToken(plane, String(access_token))).status, 401);
});

test('a revoked token is invalid at once, and other tokens of the account stay valid', async () => {
  await using plane = await startControlPlane({ bootstrapping: { serviceAccount: ACCOUNT } });
  const [revoked, other] = [await newToken(plane), await newToken(plane)];
  for (let times = 0; times < 2; times += 1) {
    const answer = await oauth(plane, 'revoke', { token: revoked, token_type_hint: 'access_token' });
    assert.equal(answer.status, 200);
    assert.equal(await answer.text(), '');
  }
  assert.equal((await withToken(plane, revoked)).status, 401);
  assert.equal((await withToken(plane, other)).status, 200);
  assert.equal((await oauth(plane, 'revoke', { token: 'nonsense' })).status, 200);
});

test('a wrong token request gets the error of OAuth', async () => {
  await using plane = await startControlPlane({ bootstrapping: { serviceAccount: ACCOUNT } });
  const grant = { grant_type: 'client_credentials' };
  for (const wrong of [basic(CLIENT_ID, 'wrong'), basic('mdb_sa_id_none', SECRET), 'Basic %%%', 'Bearer x']) {
    const answer = await oauth(plane, 'token', grant, wrong);
    assert.equal(answer.status, 401);
    assert.match(answer.headers.get('www-authenticate') ?? '', /^Basic /);
    assert.deepEqual(await answer.json(), {
      error: 'invalid_client',
      error_description: 'Invalid credentials provided.',
    });
  }
  const other = await oauth(plane, 'token', { grant_type: 'password' });
  assert.deepEqual([other.status, ((await other.json()) as { error: string }).error], [400, 'unsupported_grant_type']);
  for (const form of ['', 'grant_type=', 'grant_type=client_credentials&grant_type=client_credentials']) {
    const answer = await oauth(plane, 'token', form);
    const { error } = (await answer.json()) as { error: string };
    assert.deepEqual([answer.status, error], [400, 'invalid_request'], form);
  }
  const json = await fetch(`${plane.url}/api/oauth/token`, {
    method: 'POST',
    headers: { authorization: basic(CLIENT_ID, SECRET), 'content-type': 'application/json' },
    body: '{}',
  });
  assert.deepEqual([json.status, ((await json.json()) as { error: string }).error], [400, 'invalid_request']);
});

test('forged tokens are refused like wrong keys: unsigned, of another server, changed', async () => {
  await using plane = await startControlPlane({ bootstrapping: { serviceAccount: ACCOUNT } });
  await using another = await startControlPlane({ bootstrapping: { serviceAccount: ACCOUNT } });
  const token = await newToken(plane);
  const [header = '', payload = '', signature = ''] = token.split('.');
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const unsigned = `${part({ alg: 'none', typ: 'at+jwt' })}.${payload}.`;
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  const longer = `${header}.${part({ ...claims, exp: claims.exp + 1 })}.${signature}`;
  for (const wrong of [unsigned, longer, await newToken(another), 'x', `${header}.${payload}`]) {
    const answer = await withToken(plane, wrong);
    assert.equal(answer.status, 401);
    assert.equal(answer.text.length, 142);
  }
});

/** A token with the form of the server's tokens and other claims, signed with a key that the server derives. */
async function forge(key: Buffer, claims: object): Promise<string> {
  return await new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' }).sign(key);
}

const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());

test('a token is valid for one hour from its issue, whatever expiry it claims; a token of another form is refused', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock, bootstrapping: { serviceAccount: ACCOUNT } });
  const key = plane.control.sealer.deriveKey('access tokens');
  const claims = claimsOf(await newToken(plane));
  const statusOf = async (changes: object) =>
    (await withToken(plane, await forge(key, { ...claims, ...changes }))).status;
  assert.equal(await statusOf({}), 200);
  const tenYears = 10 * 365 * 86_400;
  assert.equal(await statusOf({ exp: claims.exp + tenYears }), 200, 'within its hour');
  assert.equal(await statusOf({ iat: claims.iat - 3_601, exp: claims.exp + tenYears }), 401);
  assert.equal(await statusOf({ iat: claims.iat + tenYears, exp: claims.exp + 2 * tenYears }), 401);
  assert.equal(await statusOf({ iat: undefined }), 401);
  for (const sub of [{ a: 1 }, ['x'], 7, '']) assert.equal(await statusOf({ sub }), 401, JSON.stringify(sub));
  for (const restore_id of [{ a: 1 }, 'x', 7, ''])
    assert.equal(await statusOf({ restore_id }), 401, String(restore_id));
});

// id: replaced-master-key
test('a replaced master key signs no new token', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock, bootstrapping: { serviceAccount: ACCOUNT } });
  const { sealer } = plane.control;
  const key = sealer.deriveKey('access tokens');
  const before = await newToken(plane);
  const account = await accountNamed(plane.store, 'SERVICE_ACCOUNT', CLIENT_ID);
  assert.ok(account);
  clock.nowMs += 60_000;
  sealer.use([randomBytes(32), plane.masterKey]);
  assert.equal((await withToken(plane, before)).status, 200, 'an earlier token is valid for the rest of its hour');
  const now = Math.floor(clock.nowMs / 1000);
  for (const iat of [now, now - 61]) {
    const forged = await forge(key, { ...claimsOf(before), iat, exp: now + 60 });
    assert.equal((await withToken(plane, forged)).status, 401, `dated ${iat - now}`);
  }
  assert.equal((await withToken(plane, await newToken(plane))).status, 200);
  clock.nowMs += 3_600_000;
  assert.equal((await withToken(plane, before)).status, 401);
});

test('deleting a secret ends the tokens that were issued for it, and no others', async () => {
  await using plane = await startControlPlane({ bootstrapping: { serviceAccount: ACCOUNT } });
  const secrets = `/api/atlas/v2/orgs/${plane.orgId}/serviceAccounts/${CLIENT_ID}/secrets`;
  const leaked = await plane.api('POST', secrets, { body: { secretExpiresAfterHours: 8 } });
  assert.equal(leaked.status, 201);
  const answer = await oauth(
    plane,
    'token',
    { grant_type: 'client_credentials' },
    basic(CLIENT_ID, String(leaked.json.secret)),
  );
  const { access_token: token } = (await answer.json()) as { access_token: string };
  const other = await newToken(plane);
  assert.equal((await withToken(plane, token)).status, 200);
  assert.equal((await plane.api('DELETE', `${secrets}/${leaked.json.id}`)).status, 204);
  assert.equal((await withToken(plane, token)).status, 401);
  assert.equal((await withToken(plane, other)).status, 200);
});

test('the store keeps only a hash of a client secret', async () => {
  await using plane = await startControlPlane({ bootstrapping: { serviceAccount: ACCOUNT } });
  const kept = JSON.stringify(await accountNamed(plane.store, 'SERVICE_ACCOUNT', CLIENT_ID));
  assert.ok(kept.includes(CLIENT_ID) && !kept.includes(SECRET));
});

test('a key with an access list works only from there, also for IPv4 peers in mapped form', async () => {
  await using plane = await startControlPlane();
  const outcome = async (...accessList: string[]) => {
    const user = await addOrganization(plane, plane.orgId, ['ORG_OWNER'], accessList);
    return plane.api('GET', ORGS, { user });
  };
  for (const list of [[], ['127.0.0.1'], ['10.0.0.1', '127.0.0.0/8'], ['::ffff:127.0.0.1'], ['::ffff:127.0.0.0/104']]) {
    assert.equal((await outcome(...list)).status, 200, list.join());
  }
  for (const list of [['192.0.2.1'], ['128.0.0.0/8'], ['2001:db8::/32', '::1']]) {
    assert.equal((await outcome(...list)).status, 403, list.join());
  }
  const refused = await outcome('192.0.2.0/24');
  assert.deepEqual(refused.json, {
    detail: 'IP address 127.0.0.1 is not allowed to access this resource.',
    error: 403,
    errorCode: 'IP_ADDRESS_NOT_ON_ACCESS_LIST',
    parameters: ['127.0.0.1'],
    reason: 'Forbidden',
  } as unknown);
  const guessed = await plane.api('GET', ORGS, { user: ['nobody', 'x'] });
  assert.equal(guessed.status, 401, 'a client without a key learns nothing about access lists');
});

test('the access list of a service account applies where its token is used, not where it is requested', async () => {
  const bootstrapping = { serviceAccount: ACCOUNT, accessList: ['192.0.2.7'] };
  await using plane = await startControlPlane({ bootstrapping, trustedProxies: ['127.0.0.1'] });
  const headers = { authorization: `Bearer ${await newToken(plane)}` };
  assert.equal((await plane.api('GET', ORGS, { headers })).status, 403);
  const from = { ...headers, 'x-forwarded-for': '192.0.2.7' };
  assert.equal((await plane.api('GET', ORGS, { headers: from })).status, 200);
});

test('in several X-Forwarded-For headers, the last address is the nearest', async () => {
  const bootstrapping = { serviceAccount: ACCOUNT, accessList: ['192.0.2.7'] };
  await using plane = await startControlPlane({ bootstrapping, trustedProxies: ['127.0.0.1'] });
  const headers = { authorization: `Bearer ${await newToken(plane)}`, accept: ATLAS };
  for (const [lines, status] of [
    [['198.51.100.1', '192.0.2.7'], 200],
    [['192.0.2.7', '198.51.100.1'], 403],
  ] as const) {
    const sent = get(plane.url + ORGS, { headers: { ...headers, 'x-forwarded-for': [...lines] } });
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    answer.resume();
    assert.equal(answer.statusCode, status, lines.join());
  }
});

test('a forwarded address counts only from a trusted proxy, and only as far as trusted proxies wrote it', async () => {
  const bootstrapping = { accessList: ['192.0.2.7', '2001:db8::7'] };
  const statusFrom = async (trustedProxies: readonly string[], forwarded: string) => {
    await using plane = await startControlPlane({ bootstrapping, trustedProxies });
    return (await plane.api('GET', ORGS, { headers: { 'x-forwarded-for': forwarded } })).status;
  };
  assert.equal(await statusFrom([], '192.0.2.7'), 403, 'no one is trusted by default');
  assert.equal(await statusFrom(['10.0.0.0/8'], '192.0.2.7'), 403, 'the peer is not trusted');
  assert.equal(await statusFrom(['127.0.0.0/8'], '192.0.2.7'), 200);
  assert.equal(await statusFrom(['127.0.0.1', '10.0.0.0/8'], '192.0.2.7, 10.1.1.1'), 200, 'through two proxies');
  assert.equal(await statusFrom(['127.0.0.1'], '192.0.2.7, 10.1.1.1'), 403, 'written by the caller itself');
  assert.equal(await statusFrom(['127.0.0.1'], '2001:db8::7'), 200);
  for (const nonsense of ['', 'unknown', '192.0.2.7:80:80', '999.1.1.1', ',,']) {
    assert.equal(await statusFrom(['127.0.0.1'], nonsense), 403, nonsense);
  }
});

test('with SHA-256 enabled the server sends both challenges, the stronger first, and refuses an MD5 response to a SHA-256 nonce', async () => {
  await using plane = await startControlPlane({ digestAlgorithms: ['SHA-256', 'MD5'] });
  const challenge = (await fetch(plane.url + ORGS)).headers.get('www-authenticate') ?? '';
  const algorithms = [...challenge.matchAll(/nonce="[^"]+", algorithm=([\w-]+)/g)].map(([, name]) => name);
  assert.deepEqual(algorithms, ['SHA-256', 'MD5']);
  assert.equal((await plane.api('GET', ORGS)).status, 200);
  const downgraded = new DigestSession(plane.publicKey, plane.privateKey);
  downgraded.accept(challenge.replace('algorithm=SHA-256', 'algorithm=MD5'));
  const authorization = String(downgraded.authorization('GET', ORGS));
  assert.match(authorization, /algorithm=MD5/);
  assert.equal((await plane.api('GET', ORGS, { headers: { authorization } })).status, 401);
});

test('a replayed request and one with an old nonce get stale=true, so that clients continue without asking for credentials', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const session = new DigestSession(plane.publicKey, plane.privateKey);
  session.accept((await fetch(plane.url + ORGS)).headers.get('www-authenticate') ?? '');
  const [first, second, third] = [1, 2, 3].map(() => String(session.authorization('GET', ORGS)));
  const send = async (authorization = '') => {
    const { status, headers } = await fetch(plane.url + ORGS, { headers: { authorization, accept: ATLAS } });
    return [status, /stale=\w+/.exec(headers.get('www-authenticate') ?? '')?.[0]];
  };
  assert.deepEqual(await send(first), [200, undefined]);
  assert.deepEqual(await send(first), [401, 'stale=true']);
  assert.deepEqual(await send(second), [200, undefined]);
  clock.nowMs += 301_000;
  assert.deepEqual(await send(third), [401, 'stale=true']);
});

test('an unknown key takes as long as a wrong one', async () => {
  await using plane = await startControlPlane();
  // Measured without HTTP, whose noise would hide the difference.
  const authenticator = new DigestAuthenticator({
    nonceKey: Buffer.alloc(32),
    find: (publicKey) => findAccount(plane.control, publicKey),
    clock: plane.control.clock,
  });
  const times: Record<string, number[]> = { known: [], unknown: [] };
  const header = (user: string) =>
    `Digest username="${user}", realm="MMS Public API", nonce="${'A'.repeat(32)}", uri="${ORGS}", response="${'0'.repeat(32)}", algorithm=MD5, cnonce="c", qop=auth, nc=00000001`;
  for (let round = 0; round < 1000; round += 1) {
    for (const [name, user] of [
      ['known', plane.publicKey],
      ['unknown', 'abcdefgh'],
    ] as const) {
      const began = performance.now();
      const outcome = await authenticator.authenticate('GET', ORGS, header(user));
      times[name]?.push(performance.now() - began);
      assert.equal('stale' in outcome && outcome.stale, false);
    }
  }
  const median = (values: number[] = []) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  const ratio = median(times.known) / median(times.unknown);
  assert.ok(ratio > 0.7 && ratio < 1.4, `known takes ${ratio} times as long as unknown`);
});
