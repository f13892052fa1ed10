import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accountNamed, Sessions } from '../../src/control/index.ts';
import { addOrganization, type ControlPlane, type Page, startControlPlane } from './control-plane.ts';
import { FakeClock } from './fake-clock.ts';
import { codeOf, SessionClient } from './session-client.ts';

const ORGS = '/api/atlas/v2/orgs';
const MINUTE_MS = 60_000;

const ownerOf = ({ publicKey, privateKey }: ControlPlane) => [publicKey, privateKey] as const;

async function signedIn(plane: ControlPlane, user = ownerOf(plane)): Promise<SessionClient> {
  const client = new SessionClient(plane.url);
  assert.equal((await client.signIn(user)).status, 200);
  return client;
}

/** Creates an API key with these roles; returns its id and its keys. */
async function newKey(plane: ControlPlane, roles: readonly string[]) {
  const made = await plane.api('POST', `${ORGS}/${plane.orgId}/apiKeys`, { body: { desc: 'second', roles } });
  const { id, publicKey, privateKey } = made.json as Record<string, unknown>;
  return { id: String(id), user: [String(publicKey), String(privateKey)] as const };
}

/** Creates a service account that may make projects; returns its client id and its secret. */
async function newAccount(plane: ControlPlane) {
  const body = { name: 'n', description: '', roles: ['ORG_GROUP_CREATOR'], secretExpiresAfterHours: 8 };
  const path = `${ORGS}/${plane.orgId}/serviceAccounts`;
  const { json } = await plane.api<{ clientId: string; secrets: { secret: string }[] }>('POST', path, { body });
  return { user: [json.clientId, json.secrets[0]?.secret ?? ''] as const };
}

async function eventsOf(plane: ControlPlane, type: string) {
  await plane.control.security.flush();
  const page = await plane.api<Page<Record<string, unknown>>>('GET', `${ORGS}/${plane.orgId}/events?eventType=${type}`);
  return page.json.results;
}

test('a session that an API key signed in uses the API as that key, and audit records name the key and the address', async () => {
  await using plane = await startControlPlane();
  const client = new SessionClient(plane.url);
  const answer = await client.signIn(ownerOf(plane), { from: '127.0.0.2' });
  const shown = JSON.parse(answer.text);
  assert.deepEqual(
    [shown.signedIn, shown.kind, shown.name, shown.roles],
    [true, 'API_KEY', plane.publicKey, [{ orgId: plane.orgId, roleName: 'ORG_OWNER' }]],
  );
  const body = { name: 'by the console', orgId: plane.orgId };
  const made = await client.send('POST', '/api/atlas/v2/groups', { body, from: '127.0.0.2' });
  assert.equal(made.status, 201, made.text);
  assert.equal(made.headers['cache-control'], 'no-store');
  for (const type of ['GROUP_CREATED', 'CONSOLE_SESSION_BEGAN']) {
    const [event] = await eventsOf(plane, type);
    assert.deepEqual([event?.publicKey, event?.remoteAddress], [plane.publicKey, '127.0.0.2'], type);
  }
});

test('a service account signs in with its secret; the session ends when that secret is deleted or expires', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const path = `${ORGS}/${plane.orgId}/serviceAccounts`;
  const request = { description: '', name: 'console', roles: ['ORG_MEMBER'], secretExpiresAfterHours: 8 };
  const { json } = await plane.api<{ clientId: string; secrets: { id: string; secret: string }[] }>('POST', path, {
    body: request,
  });
  const [{ id = '', secret = '' } = {}] = json.secrets;
  const user = [json.clientId, secret] as const;
  assert.equal((await new SessionClient(plane.url).signIn([json.clientId, `${secret}x`])).status, 401);
  const client = await signedIn(plane, user);
  assert.equal((await client.send('GET', ORGS)).status, 200);

  assert.equal((await plane.api('DELETE', `${path}/${json.clientId}/secrets/${id}`)).status, 204);
  assert.equal(codeOf(await client.send('GET', ORGS)), 'SESSION_ENDED');

  const second = await plane.api<{ secret: string }>('POST', `${path}/${json.clientId}/secrets`, {
    body: { secretExpiresAfterHours: 8 },
  });
  const again = await signedIn(plane, [json.clientId, second.json.secret]);
  for (let at = 0; at < 17; at += 1) {
    clock.nowMs += 29 * MINUTE_MS;
    assert.equal(JSON.parse((await again.send('GET', '/api/session')).text).signedIn, at < 16, `after ${at + 1} steps`);
  }
});

test('the session cookie is out of reach for scripts, other sites and other hosts, and over TLS only that one is read', async () => {
  await using plane = await startControlPlane({ trustedProxies: ['127.0.0.0/8'] });
  const plain = await new SessionClient(plane.url).signIn(ownerOf(plane));
  assert.match(
    plain.headers['set-cookie']?.[0] ?? '',
    /^linkspan-session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/,
  );

  const behindTls = { host: 'linkspan.example', origin: 'https://linkspan.example', 'x-forwarded-proto': 'https' };
  const client = new SessionClient(plane.url);
  const secure = await client.signIn(ownerOf(plane), { headers: behindTls });
  assert.match(
    secure.headers['set-cookie']?.[0] ?? '',
    /^__Host-linkspan-session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
  );
  assert.equal((await client.send('GET', ORGS, { headers: behindTls })).status, 200);
  const planted = client.cookie.replace('__Host-', '');
  const answer = await client.send('GET', ORGS, { headers: { ...behindTls, cookie: planted } });
  assert.equal(codeOf(answer), 'SESSION_ENDED', 'a cookie that another host or plain HTTP could have planted');
});

// id: other-origin
test('a page of another origin can neither use a session nor sign anyone in', async () => {
  await using plane = await startControlPlane();
  const client = await signedIn(plane);
  const body = { name: 'p', orgId: plane.orgId };
  const foreign: Record<string, string>[] = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: '' },
    { origin: plane.url.replace('http:', 'https:') },
    { origin: plane.url.replace(/:\d+$/, ':1') },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site' },
  ];
  for (const headers of foreign) {
    const answer = await client.send('POST', '/api/atlas/v2/groups', { body, headers });
    assert.deepEqual([answer.status, codeOf(answer)], [403, 'FOREIGN_ORIGIN'], JSON.stringify(headers));
    const signIn = await new SessionClient(plane.url).signIn(ownerOf(plane), { headers });
    assert.deepEqual([signIn.status, signIn.headers['set-cookie']], [403, undefined], JSON.stringify(headers));
  }
  const read = await client.send('GET', ORGS, { headers: { 'sec-fetch-site': 'cross-site' } });
  assert.equal(codeOf(read), 'FOREIGN_ORIGIN');
  assert.deepEqual((await plane.api<Page<unknown>>('GET', '/api/atlas/v2/groups')).json.results, []);
  const preflight = await client.send('OPTIONS', '/api/atlas/v2/groups', {
    headers: { origin: 'https://evil.example', 'access-control-request-headers': 'linkspan-console' },
  });
  assert.ok(preflight.status >= 400 && preflight.headers['access-control-allow-origin'] === undefined);
});

test('without the header of the console a cookie has no effect: such a request gets the challenge of the API', async () => {
  await using plane = await startControlPlane();
  const client = await signedIn(plane);
  const answer = await client.send('GET', ORGS, { headers: { 'linkspan-console': '' } });
  assert.equal(answer.status, 401);
  assert.match(String(answer.headers['www-authenticate']), /^Digest /);
  assert.equal((await client.send('GET', '/api/session', { headers: { 'linkspan-console': '' } })).status, 403);
  const ended = await new SessionClient(plane.url).send('GET', ORGS);
  assert.deepEqual([ended.status, ended.headers['www-authenticate']], [401, undefined], 'browsers would open a dialog');
});

// id: sign-in-new-token
test('a sign-in gives another token than the browser had, and ends the session of the former one', async () => {
  await using plane = await startControlPlane();
  const chosen = `linkspan-session=${'A'.repeat(43)}`;
  const client = new SessionClient(plane.url, chosen);
  await client.signIn(ownerOf(plane));
  assert.notEqual(client.cookie, chosen);
  assert.equal(codeOf(await new SessionClient(plane.url, chosen).send('GET', ORGS)), 'SESSION_ENDED');
  const former = client.cookie;
  await client.signIn(ownerOf(plane));
  assert.notEqual(client.cookie, former);
  assert.equal(codeOf(await new SessionClient(plane.url, former).send('GET', ORGS)), 'SESSION_ENDED');
  assert.equal((await client.send('GET', ORGS)).status, 200);
  const two = `${client.cookie}; ${chosen}`;
  assert.equal(
    codeOf(await new SessionClient(plane.url, two).send('GET', ORGS)),
    'SESSION_ENDED',
    'two cookies of one name',
  );
});

test('a signed-out session ends on the server, and the record says so', async () => {
  await using plane = await startControlPlane();
  const client = await signedIn(plane);
  const answer = await client.send('DELETE', '/api/session');
  assert.equal(JSON.parse(answer.text).signedIn, false);
  assert.match(answer.headers['set-cookie']?.[0] ?? '', /^linkspan-session=; .*Max-Age=0$/);
  assert.equal(codeOf(await client.send('GET', ORGS)), 'SESSION_ENDED');
  assert.equal((await eventsOf(plane, 'CONSOLE_SESSION_ENDED')).length, 1);
});

// id: stolen-cookie
test('a stolen cookie is worth nothing once its key is deleted, gets another secret or other roles', async () => {
  await using plane = await startControlPlane();
  const deleted = await newKey(plane, ['ORG_MEMBER']);
  const client = await signedIn(plane, deleted.user);
  assert.equal((await client.send('GET', ORGS)).status, 200);
  assert.equal((await plane.api('DELETE', `${ORGS}/${plane.orgId}/apiKeys/${deleted.id}`)).status, 204);
  assert.equal(codeOf(await client.send('GET', ORGS)), 'SESSION_ENDED');

  const demoted = await newKey(plane, ['ORG_OWNER']);
  const before = await signedIn(plane, demoted.user);
  const change = await plane.api('PATCH', `${ORGS}/${plane.orgId}/apiKeys/${demoted.id}`, {
    body: { roles: ['ORG_MEMBER'] },
  });
  assert.equal(change.status, 200);
  assert.equal(codeOf(await before.send('GET', ORGS)), 'SESSION_ENDED');
  const after = await signedIn(plane, demoted.user);
  const refused = await after.send('POST', '/api/atlas/v2/groups', { body: { name: 'p', orgId: plane.orgId } });
  assert.equal(refused.status, 401, refused.text);

  const replaced = await signedIn(plane, demoted.user);
  await plane.store.write(async (transaction) => {
    const key = await accountNamed(transaction, 'API_KEY', demoted.user[0]);
    assert.ok(key);
    const place = { kind: 'accounts', id: key.id, field: 'verifiers' };
    const verifiers = JSON.stringify(plane.control.verifiersOf(key.name, 'another private key'));
    await transaction.update('accounts', { ...key, verifiers: plane.control.sealer.seal(verifiers, place) });
  });
  assert.equal(codeOf(await replaced.send('GET', ORGS)), 'SESSION_ENDED');
});

// id: session-and-projects
test('a session outlives the projects that it makes and deletes, and ends when its key loses a role in a project', async () => {
  await using plane = await startControlPlane();
  for (const kind of ['API_KEY', 'SERVICE_ACCOUNT'] as const) {
    const creator = kind === 'API_KEY' ? await newKey(plane, ['ORG_GROUP_CREATOR']) : await newAccount(plane);
    const client = await signedIn(plane, creator.user);
    const make = async (name: string) => {
      const made = await client.send('POST', '/api/atlas/v2/groups', { body: { name, orgId: plane.orgId } });
      assert.equal(made.status, 201, made.text);
      return `/api/atlas/v2/groups/${JSON.parse(made.text).id}`;
    };
    const [kept, deleted] = [await make(`kept by ${kind}`), await make(`deleted by ${kind}`)];
    assert.equal((await client.send('GET', kept)).status, 200, 'it owns the project');
    assert.equal((await client.send('DELETE', deleted)).status, 202);
    assert.equal((await client.send('GET', kept)).status, 200);
    await plane.store.write(async (transaction) => {
      const key = await accountNamed(transaction, 'API_KEY', creator.user[0]);
      const account = await accountNamed(transaction, 'SERVICE_ACCOUNT', creator.user[0]);
      if (key) await transaction.update('accounts', { ...key, groupRoles: [] });
      if (account) await transaction.update('accounts', { ...account, groupRoles: [] });
    });
    assert.equal(codeOf(await client.send('GET', ORGS)), 'SESSION_ENDED', kind);
  }
});

test('a session works only from the addresses of its key, as they are now', async () => {
  await using plane = await startControlPlane();
  const { id, user } = await newKey(plane, ['ORG_MEMBER']);
  const client = await signedIn(plane, user);
  const list = `${ORGS}/${plane.orgId}/apiKeys/${id}/accessList`;
  assert.equal((await plane.api('POST', list, { body: [{ ipAddress: '127.0.0.2' }] })).status, 200);
  for (const path of [ORGS, '/api/session']) {
    const here = await client.send('GET', path);
    assert.deepEqual([here.status, codeOf(here)], [403, 'IP_ADDRESS_NOT_ON_ACCESS_LIST'], path);
    assert.equal((await client.send('GET', path, { from: '127.0.0.2' })).status, 200, path);
  }
  const signIn = await new SessionClient(plane.url).signIn(user);
  assert.deepEqual([signIn.status, signIn.headers['set-cookie']], [403, undefined]);
  const [event] = await eventsOf(plane, 'API_KEY_ADDRESS_REFUSED');
  assert.equal(event?.publicKey, user[0]);
});

test('a session ends 30 minutes after its last use, and 12 hours after its sign-in', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const idle = await signedIn(plane);
  const used = await signedIn(plane);
  clock.nowMs += 29 * MINUTE_MS;
  assert.equal((await used.send('GET', ORGS)).status, 200);
  clock.nowMs += MINUTE_MS;
  assert.equal(codeOf(await idle.send('GET', ORGS)), 'SESSION_ENDED');
  assert.equal((await used.send('GET', ORGS)).status, 200);
  for (let minutes = 30; minutes < 12 * 60 - 10; minutes += 10) {
    clock.nowMs += 10 * MINUTE_MS;
    assert.equal((await used.send('GET', ORGS)).status, 200, `after ${minutes} minutes`);
  }
  clock.nowMs += 10 * MINUTE_MS;
  assert.equal(codeOf(await used.send('GET', ORGS)), 'SESSION_ENDED');
});

test('an account has at most 20 sessions: another sign-in ends the one that was unused for the longest time', async () => {
  await using plane = await startControlPlane({ rateLimits: false });
  const first = await signedIn(plane);
  const second = await signedIn(plane);
  assert.equal((await first.send('GET', ORGS)).status, 200);
  for (let at = 0; at < 19; at += 1) await signedIn(plane);
  assert.equal((await first.send('GET', ORGS)).status, 200);
  assert.equal(codeOf(await second.send('GET', ORGS)), 'SESSION_ENDED');
});

test('beyond the sessions that a server keeps, the organization with the most loses one', async () => {
  await using plane = await startControlPlane();
  const sessions = new Sessions(plane.control, 3);
  const of = async ([publicKey]: readonly [string, string]) =>
    (await sessions.begin({ kind: 'API_KEY', name: publicKey }, '')) ?? assert.fail('no session');
  const stranger = await of(await addOrganization(plane, 'f'.repeat(24), ['ORG_OWNER']));
  const own = [plane.publicKey, plane.privateKey] as const;
  const tokens = [await of(own), await of(own), await of(own)];
  const found = await Promise.all([stranger, ...tokens].map((token) => sessions.find(token)));
  assert.deepEqual(
    found.map((session) => session !== undefined),
    [true, false, true, true],
  );
});

test('wrong sign-ins count with all other failed attempts, and are recorded without the secret', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock, failedAttemptsPerMinute: 4 });
  const { user } = await newKey(plane, ['ORG_MEMBER']);
  for (const wrong of ['wrong-canary', 'wrong-canary']) {
    const answer = await new SessionClient(plane.url).signIn([user[0], wrong]);
    assert.deepEqual([answer.status, codeOf(answer)], [401, 'WRONG_SIGN_IN']);
    assert.equal(answer.headers['www-authenticate'], undefined);
  }
  const refused = await new SessionClient(plane.url).signIn(user);
  assert.deepEqual([refused.status, codeOf(refused)], [429, 'TOO_MANY_FAILED_ATTEMPTS'], 'right, but after too many');
  assert.ok(refused.headers['retry-after']);
  const digest = await plane.api('GET', ORGS, { user });
  assert.equal(digest.status, 429, 'the same count as for HTTP digest');
  const events = await eventsOf(plane, 'API_KEY_AUTHENTICATION_FAILED');
  assert.ok(events.length > 0 && !JSON.stringify(events).includes('canary'));
});

test('a sign-in link signs in once, within ten minutes, as the owner of an organization', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const follow = async (token = '') => {
    const client = new SessionClient(plane.url);
    const headers = { authorization: `Linkspan-Link ${token}` };
    const answer = await client.send('POST', '/api/session', { headers });
    return answer.status === 200 ? JSON.parse(answer.text).name : codeOf(answer);
  };
  const link = async () => await plane.signInLinks.issue();
  const once = await link();
  // At the same moment, too.
  assert.deepEqual(
    (await Promise.all([follow(once), follow(once)])).toSorted(),
    ['SIGN_IN_LINK_SPENT', plane.publicKey].toSorted(),
  );
  assert.equal(await follow('guessed'), 'SIGN_IN_LINK_SPENT');
  const old = await link();
  const young = await link();
  clock.nowMs += 10 * MINUTE_MS - 1;
  assert.equal(await follow(young), plane.publicKey);
  clock.nowMs += 1;
  assert.equal(await follow(old), 'SIGN_IN_LINK_SPENT');
  const began = await eventsOf(plane, 'CONSOLE_SESSION_BEGAN');
  assert.deepEqual(
    began.map(({ publicKey }) => publicKey),
    [plane.publicKey, plane.publicKey],
  );
});

test('guesses of sign-in links count as failed attempts', async () => {
  await using plane = await startControlPlane({ failedAttemptsPerMinute: 4 });
  const client = new SessionClient(plane.url);
  const codes = [];
  for (let n = 0; n < 6; n += 1) {
    const headers = { authorization: `Linkspan-Link guess${n}` };
    codes.push(codeOf(await client.send('POST', '/api/session', { headers })));
  }
  assert.equal(codes[0], 'SIGN_IN_LINK_SPENT');
  assert.equal(codes.at(-1), 'TOO_MANY_FAILED_ATTEMPTS');
});

test('without a key that owns the first organization there is no sign-in link, even if a key owns others', async () => {
  await using plane = await startControlPlane();
  await addOrganization(plane, 'f'.repeat(24), ['ORG_OWNER']);
  const [member] = [await newKey(plane, ['ORG_OWNER'])];
  const keys = `${ORGS}/${plane.orgId}/apiKeys`;
  const { results } = (await plane.api<Page<{ id: string; publicKey: string }>>('GET', keys)).json;
  const own = results.find(({ publicKey }) => publicKey === plane.publicKey);
  await plane.api('DELETE', `${keys}/${own?.id}`, { user: member.user });
  assert.ok((await plane.signInLinks.issue()) !== undefined, 'the other owner');
  await plane.store.write(async (transaction) => {
    const organization = await transaction.get('organizations', plane.orgId);
    assert.ok(organization);
    await transaction.update('organizations', { ...organization, deletedAtMs: 1 });
  });
  assert.equal(await plane.signInLinks.issue(), undefined);
});
