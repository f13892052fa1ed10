import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { AgentClient } from '../gateway/agent-client.ts';
import { ATLAS, addOrganization, type ControlPlane, type Page, startControlPlane } from './control-plane.ts';
import { FakeClock } from './fake-clock.ts';
import { cliBody, prepare } from './migration-world.ts';

const orgOf = ({ orgId }: ControlPlane) => `/api/atlas/v2/orgs/${orgId}`;

interface ShownKey {
  readonly id: string;
  readonly publicKey: string;
  readonly privateKey: string;
  readonly roles: readonly Record<string, string>[];
}

async function makeKey(plane: ControlPlane, roles: readonly string[], path = orgOf(plane)): Promise<ShownKey> {
  const { status, json } = await plane.api<ShownKey>('POST', `${path}/apiKeys`, { body: { desc: 'a key', roles } });
  assert.equal(status, 200);
  return json;
}

const userOf = ({ publicKey, privateKey }: ShownKey) => [publicKey, privateKey] as const;

test('an API key is shown in full once; its creation, its roles and its deletion take effect at once', async () => {
  await using plane = await startControlPlane();
  const path = orgOf(plane);
  const key = await makeKey(plane, ['ORG_OWNER']);
  const user = userOf(key);
  assert.match(key.publicKey, /^[a-z]{8}$/);
  assert.deepEqual(key.roles, [{ orgId: plane.orgId, roleName: 'ORG_OWNER' }]);
  assert.equal((await plane.api('GET', path, { user })).status, 200);
  for (const target of [`${path}/apiKeys`, `${path}/apiKeys/${key.id}`]) {
    const { text } = await plane.api('GET', target);
    assert.ok(!text.includes(key.privateKey));
    assert.ok(text.includes(`"privateKey":"********-****-****-${key.privateKey.slice(-12)}"`), text);
  }
  const changes = { desc: 'another', roles: ['ORG_MEMBER'] };
  const changed = await plane.api('PATCH', `${path}/apiKeys/${key.id}`, { body: changes });
  assert.equal(changed.json.desc, 'another');
  assert.equal((await plane.api('PATCH', path, { user, body: { name: 'n' } })).json.errorCode, 'NOT_ORG_OWNER');
  assert.equal((await plane.api('DELETE', `${path}/apiKeys/${key.id}`)).status, 204);
  assert.equal((await plane.api('GET', path, { user })).status, 401);
  const gone = await plane.api('GET', `${path}/apiKeys/${key.id}`);
  assert.deepEqual([gone.status, gone.json.errorCode], [400, 'API_KEY_NOT_FOUND']);
});

test('the private key of the first start is never shown, not even its last characters', async () => {
  await using plane = await startControlPlane({ bootstrapping: { privateKey: 'a-short-private-key' } });
  const { text } = await plane.api('GET', `${orgOf(plane)}/apiKeys`);
  assert.match(text, /"privateKey":"\*{8}-\*{4}-\*{4}-\*{12}"/);
});

test('a key of a project is a member of the organization, and can be added to and removed from projects', async () => {
  await using plane = await startControlPlane();
  const group = await plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'p', orgId: plane.orgId } });
  const path = `/api/atlas/v2/groups/${group.json.id}`;
  const key = await makeKey(plane, ['GROUP_READ_ONLY', 'GROUP_CLUSTER_MANAGER'], path);
  const groupId = String(group.json.id);
  assert.deepEqual(key.roles, [
    { orgId: plane.orgId, roleName: 'ORG_MEMBER' },
    { groupId, roleName: 'GROUP_READ_ONLY' },
    { groupId, roleName: 'GROUP_CLUSTER_MANAGER' },
  ]);
  const total = async () => (await plane.api('GET', `${path}/apiKeys`)).json.totalCount;
  assert.equal(await total(), 1);
  assert.equal((await plane.api('DELETE', `${path}/apiKeys/${key.id}`)).status, 204);
  assert.equal(await total(), 0);
  const missing = await plane.api('PATCH', `${path}/apiKeys/${key.id}`, { body: { roles: ['GROUP_OWNER'] } });
  assert.equal(missing.json.errorCode, 'API_KEY_NOT_FOUND', 'a key outside the project is not changed there');
  const assignment = [{ roles: ['GROUP_OWNER'] }];
  assert.equal((await plane.api('POST', `${path}/apiKeys/${key.id}`, { body: assignment })).status, 204);
  assert.equal((await plane.api('PATCH', path, { user: userOf(key), body: { name: 'q' } })).status, 200);
  assert.equal((await plane.api('DELETE', path)).status, 202);
  const { json } = await plane.api('GET', `${orgOf(plane)}/apiKeys/${key.id}`);
  assert.deepEqual(json.roles, [{ orgId: plane.orgId, roleName: 'ORG_MEMBER' }]);
});

test('an error in an API key names the wrong attribute', async () => {
  await using plane = await startControlPlane();
  const cases = [
    [{ desc: 'd' }, 'MISSING_ATTRIBUTE'],
    [{ desc: 'd', roles: [] }, 'VALIDATION_ERROR'],
    [{ desc: '', roles: ['ORG_OWNER'] }, 'VALIDATION_ERROR'],
    [{ desc: 'd'.repeat(251), roles: ['ORG_OWNER'] }, 'VALIDATION_ERROR'],
    [{ desc: 'd', roles: ['GROUP_OWNER'] }, 'INVALID_ENUM_VALUE'],
    [{ desc: 'd', roles: ['ORG_OWNER'], publicKey: 'x' }, 'INVALID_ATTRIBUTE'],
  ] as const;
  for (const [body, errorCode] of cases) {
    assert.equal((await plane.api('POST', `${orgOf(plane)}/apiKeys`, { body })).json.errorCode, errorCode);
  }
});

test('an access list closes a key to all other addresses, and no request can exclude its own address', async () => {
  await using plane = await startControlPlane({ trustedProxies: ['127.0.0.1'] });
  const key = await makeKey(plane, ['ORG_OWNER']);
  const path = `${orgOf(plane)}/apiKeys/${key.id}/accessList`;
  const from = (address: string) => ({ user: userOf(key), headers: { 'x-forwarded-for': address } });
  const entries = [{ ipAddress: '192.0.2.7' }, { cidrBlock: '2001:db8::/32' }];
  const added = await plane.api<Page<Record<string, unknown>>>('POST', path, { body: entries });
  assert.equal(added.status, 200);
  const shown = added.json.results;
  assert.deepEqual(
    shown.map(({ cidrBlock, ipAddress }) => [cidrBlock, ipAddress]),
    [
      ['192.0.2.7/32', '192.0.2.7'],
      ['2001:db8::/32', undefined],
    ],
  );
  assert.equal((await plane.api('GET', path, from('192.0.2.7'))).status, 200);
  assert.equal((await plane.api('GET', path, from('2001:db8::1'))).status, 200);
  assert.equal((await plane.api('GET', path, from('192.0.2.8'))).json.errorCode, 'IP_ADDRESS_NOT_ON_ACCESS_LIST');
  const again = await plane.api('POST', path, { body: [{ cidrBlock: '192.0.2.7/32' }] });
  assert.deepEqual([again.status, again.json.errorCode], [409, 'ADDRESS_ALREADY_IN_ACCESS_LIST']);
  const twice = await plane.api('POST', path, { body: [{ ipAddress: '192.0.2.9' }, { ipAddress: '192.0.2.9' }] });
  assert.equal(twice.json.errorCode, 'DUPLICATE_ADDRESSES_IN_INPUT');
  for (const body of [[{}], [{ ipAddress: '192.0.2.9', cidrBlock: '192.0.2.9/32' }], [{ ipAddress: 'nonsense' }]]) {
    assert.equal((await plane.api('POST', path, { body })).status, 400);
  }
  assert.equal((await plane.api('GET', `${path}/2001:db8::%2F32`)).json.cidrBlock, '2001:db8::/32');
  const own = await plane.api('DELETE', `${path}/192.0.2.7`, from('192.0.2.7'));
  assert.equal(own.json.errorCode, 'CANNOT_REMOVE_CALLER_FROM_ACCESS_LIST');
  assert.equal((await plane.api('DELETE', `${path}/2001:db8::%2F32`, from('192.0.2.7'))).status, 204);
  assert.equal((await plane.api('DELETE', `${path}/192.0.2.7%2F32`)).status, 204);
  assert.equal((await plane.api('GET', path, from('192.0.2.8'))).status, 200, 'an empty list allows all');
  assert.equal((await plane.api('DELETE', `${path}/192.0.2.7`)).json.errorCode, 'ACCESS_LIST_ENTRY_NOT_FOUND');
});

test('an organization that requires access lists refuses keys without one, and such a key cannot set the requirement', async () => {
  await using plane = await startControlPlane();
  const path = orgOf(plane);
  const require = (user: readonly [string, string]) =>
    plane.api('PATCH', `${path}/settings`, { user, body: { apiAccessListRequired: true } });
  const [listed, open] = [await makeKey(plane, ['ORG_OWNER']), await makeKey(plane, ['ORG_OWNER'])];
  await plane.api('POST', `${path}/apiKeys/${listed.id}/accessList`, { body: [{ cidrBlock: '127.0.0.0/8' }] });
  const refused = await require(userOf(open));
  assert.deepEqual([refused.status, refused.json.errorCode], [403, 'RESOURCE_REQUIRES_ACCESS_LIST']);
  assert.equal((await require(userOf(listed))).json.apiAccessListRequired, true);
  assert.equal((await plane.api('GET', `${path}/settings`, { user: userOf(listed) })).json.apiAccessListRequired, true);
  const turnedAway = await plane.api('GET', path, { user: userOf(open) });
  assert.deepEqual([turnedAway.status, turnedAway.json.parameters], [403, ['127.0.0.1']]);
  const own = `${path}/apiKeys/${listed.id}/accessList/127.0.0.0%2F8`;
  const last = await plane.api('DELETE', own, { user: userOf(listed) });
  assert.equal(last.json.errorCode, 'CANNOT_REMOVE_CALLER_FROM_ACCESS_LIST');
  const stranger = await addOrganization(plane, 'c'.repeat(24), ['ORG_OWNER']);
  assert.equal((await plane.api('GET', '/api/atlas/v2/orgs', { user: stranger })).status, 200);
});

test('the last owner of an organization can neither be deleted nor lose the role', async () => {
  await using plane = await startControlPlane();
  const path = `${orgOf(plane)}/apiKeys`;
  const [first] = (await plane.api<Page<ShownKey>>('GET', path)).json.results;
  const deleted = await plane.api('DELETE', `${path}/${first?.id}`);
  assert.deepEqual([deleted.status, deleted.json.errorCode], [409, 'CANNOT_REMOVE_LAST_ORG_OWNER']);
  const demoted = await plane.api('PATCH', `${path}/${first?.id}`, { body: { roles: ['ORG_MEMBER'] } });
  assert.equal(demoted.json.errorCode, 'CANNOT_REMOVE_LAST_ORG_OWNER');
  const heir = await makeKey(plane, ['ORG_OWNER']);
  assert.equal((await plane.api('DELETE', `${path}/${first?.id}`, { user: userOf(heir) })).status, 204);
});

test('the last secret that lets an owner sign in is not deleted, and an account without one does not count as an owner', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const request = { name: 'n', description: '', roles: ['ORG_OWNER'], secretExpiresAfterHours: 8 };
  const made = await plane.api('POST', '/api/atlas/v2/orgs', { body: { name: 'second', serviceAccount: request } });
  const { organization, serviceAccount } = made.json as unknown as {
    organization: { id: string };
    serviceAccount: ShownAccount;
  };
  const path = `/api/atlas/v2/orgs/${organization.id}`;
  const { clientId, secrets } = serviceAccount;
  const [, token] = await tokenStatus(plane, clientId, secrets[0]?.secret ?? '');
  const ask = async (method: string, target: string, body?: object) => {
    const headers = { accept: ATLAS, 'content-type': 'application/json', authorization: `Bearer ${token}` };
    const answer = await fetch(plane.url + target, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    return { status: answer.status, json: text === '' ? {} : JSON.parse(text) };
  };
  const own = `${path}/serviceAccounts/${clientId}/secrets`;
  const refused = await ask('DELETE', `${own}/${secrets[0]?.id}`);
  assert.deepEqual([refused.status, refused.json.errorCode], [409, 'CANNOT_REMOVE_LAST_ORG_OWNER']);

  const key = (await ask('POST', `${path}/apiKeys`, { desc: 'd', roles: ['ORG_OWNER'] })).json;
  const user = userOf(key);
  clock.nowMs += 8 * 3_600_000;
  for (const [method, body] of [['DELETE'], ['PATCH', { roles: ['ORG_MEMBER'] }]] as const) {
    const answer = await plane.api(method, `${path}/apiKeys/${key.id}`, { user, body });
    assert.equal(answer.json.errorCode, 'CANNOT_REMOVE_LAST_ORG_OWNER', `${method}: the account's secret has expired`);
  }
  const fresh = await plane.api('POST', own, { user, body: { secretExpiresAfterHours: 8 } });
  assert.ok(fresh.status < 300);
  assert.equal((await plane.api('DELETE', `${path}/apiKeys/${key.id}`, { user })).status, 204);
});

test('one organization links to its projects; in a list it has only the link to itself', async () => {
  await using plane = await startControlPlane();
  type Linked = { links: { href: string; rel: string }[] };
  const self = `${plane.url}${orgOf(plane)}`;
  const [listed] = (await plane.api<Page<Linked>>('GET', '/api/atlas/v2/orgs')).json.results;
  assert.deepEqual(listed?.links, [{ href: self, rel: 'self' }]);
  const { links } = (await plane.api<Linked>('GET', orgOf(plane))).json;
  assert.deepEqual(links, [
    { href: self, rel: 'self' },
    { href: `${self}/groups`, rel: 'https://cloud.mongodb.com/groups' },
  ]);
  assert.equal((await plane.api('GET', `${orgOf(plane)}/groups`)).status, 200);
});

test('a new organization can be used with the credentials created with it, and by no one else', async () => {
  await using plane = await startControlPlane();
  const create = (body: object) => plane.api('POST', '/api/atlas/v2/orgs', { body });
  assert.equal((await create({ name: 'second' })).json.errorCode, 'VALIDATION_ERROR');
  const made = await create({ name: 'second', apiKey: { desc: 'd', roles: ['ORG_OWNER'] } });
  assert.equal(made.status, 201);
  const { organization, apiKey } = made.json as unknown as { organization: { id: string }; apiKey: ShownKey };
  const path = `/api/atlas/v2/orgs/${organization.id}`;
  assert.equal((await plane.api('GET', path)).json.errorCode, 'USER_CANNOT_ACCESS_ORG');
  assert.equal((await plane.api('GET', path, { user: userOf(apiKey) })).json.name, 'second');
  const renamed = await plane.api('PATCH', path, { user: userOf(apiKey), body: { name: 'renamed' } });
  assert.equal(renamed.json.name, 'renamed');
});

async function tokenStatus(plane: ControlPlane, clientId: string, secret: string): Promise<[number, string]> {
  const answer = await fetch(`${plane.url}/api/oauth/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: 'grant_type=client_credentials',
  });
  return [answer.status, String(((await answer.json()) as { access_token?: string }).access_token)];
}

interface ShownAccount {
  readonly clientId: string;
  readonly secrets: readonly { id: string; secret?: string; maskedSecretValue?: string; expiresAt: string }[];
}

test('a service account gets tokens with either of two secrets until these expire or are deleted; tokens end with their secret', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const path = `${orgOf(plane)}/serviceAccounts`;
  const body = { name: 'n', description: 'd', roles: ['ORG_READ_ONLY'], secretExpiresAfterHours: 8 };
  const made = await plane.api<ShownAccount>('POST', path, { body });
  assert.equal(made.status, 201);
  const { clientId, secrets } = made.json;
  assert.match(clientId, /^mdb_sa_id_[0-9a-f]{24}$/);
  const first = secrets[0]?.secret ?? '';
  const shown = await plane.api<ShownAccount>('GET', `${path}/${clientId}`);
  assert.ok(!shown.text.includes(first));
  assert.equal(shown.json.secrets[0]?.maskedSecretValue, `mdb_sa_sk_...${first.slice(-4)}`);
  const added = await plane.api('POST', `${path}/${clientId}/secrets`, { body: { secretExpiresAfterHours: 24 } });
  const second = String(added.json.secret);
  const third = await plane.api('POST', `${path}/${clientId}/secrets`, { body: { secretExpiresAfterHours: 24 } });
  assert.equal(third.json.errorCode, 'SERVICE_ACCOUNT_SECRET_LIMIT');
  const [status, token] = await tokenStatus(plane, clientId, first);
  assert.equal(status, 200);
  const headers = { authorization: `Bearer ${token}` };
  assert.equal((await plane.api('GET', '/api/atlas/v2/orgs', { headers })).status, 200);
  assert.equal((await plane.api('GET', '/api/atlas/v2', { headers })).json.apiKey, null);
  clock.nowMs += 8 * 3_600_000;
  assert.equal((await tokenStatus(plane, clientId, first))[0], 401);
  const [, later] = await tokenStatus(plane, clientId, second);
  const laterHeaders = { authorization: `Bearer ${later}` };
  assert.equal((await plane.api('GET', '/api/atlas/v2/orgs', { headers: laterHeaders })).status, 200);
  assert.equal((await plane.api('DELETE', `${path}/${clientId}/secrets/${added.json.id}`)).status, 204);
  assert.equal((await tokenStatus(plane, clientId, second))[0], 401);
  assert.equal((await plane.api('GET', '/api/atlas/v2/orgs', { headers: laterHeaders })).status, 401);
  const another = await plane.api('POST', `${path}/${clientId}/secrets`, { body: { secretExpiresAfterHours: 24 } });
  const [, last] = await tokenStatus(plane, clientId, String(another.json.secret));
  const lastHeaders = { authorization: `Bearer ${last}` };
  assert.equal((await plane.api('GET', '/api/atlas/v2/orgs', { headers: lastHeaders })).status, 200);
  assert.equal((await plane.api('DELETE', `${path}/${clientId}`)).status, 204);
  assert.equal((await plane.api('GET', '/api/atlas/v2/orgs', { headers: lastHeaders })).status, 401);
  assert.equal((await plane.api('GET', `${path}/${clientId}`)).json.errorCode, 'SERVICE_ACCOUNT_NOT_FOUND');
});

test('the status shows the caller with its roles and access list', async () => {
  await using plane = await startControlPlane();
  for (const path of ['/api/atlas/v2', '/api/atlas/v2/', '/api/atlas/v1.0']) {
    const { status, json } = await plane.api('GET', path);
    assert.equal(status, 200);
    assert.match(String(json.build), /^linkspan \d/);
    const { publicKey, roles, accessList } = json.apiKey as Record<string, unknown>;
    assert.deepEqual([publicKey, accessList], [plane.publicKey, []]);
    assert.deepEqual(roles, [{ orgId: plane.orgId, roleName: 'ORG_OWNER' }]);
  }
});

test('a destination cannot be deleted while a migration runs into it, and its name is free afterwards', async () => {
  await using plane = await startControlPlane();
  const { agent, groupId, path } = await prepare(plane);
  const clusters = `/api/atlas/v2/groups/${groupId}/clusters`;
  const validation = await plane.api('POST', `${path}/validate`, {
    body: cliBody(groupId, { destination: { clusterName: 'C2' } }),
  });
  const id = String((await plane.api('POST', path, { body: cliBody(groupId) })).json._id);
  const refused = await plane.api('DELETE', `${clusters}/C1`);
  assert.deepEqual([refused.status, refused.json.errorCode], [409, 'CANNOT_MODIFY_CLUSTER_WITH_RUNNING_LIVE_IMPORT']);
  assert.equal((await plane.api('DELETE', `/api/atlas/v2/groups/${groupId}`)).status, 409);
  const forgotten = await plane.api('DELETE', `${clusters}/C2`);
  assert.deepEqual([forgotten.status, forgotten.text], [202, '{}']);
  const ended = await plane.api('GET', `${path}/validate/${validation.json._id}`);
  assert.deepEqual(
    [ended.json.status, ended.json.errorMessage],
    ['FAILED', 'The destination cluster was deleted before the migration host answered.'],
  );
  assert.equal((await plane.api('GET', `${clusters}/C2`)).json.errorCode, 'CLUSTER_NOT_FOUND');
  const body = { name: 'C2', connectionStrings: { standard: 'mongodb://h/?replicaSet=r' } };
  assert.equal((await plane.api('POST', clusters, { body })).status, 201);
  assert.equal((await agent.poll(null)).status, 200);
  assert.equal((await plane.api('GET', `${path}/${id}`)).json.status, 'NEW');
});

test('an update of a destination takes effect for later migrations, and is refused while a migration runs into it', async () => {
  await using plane = await startControlPlane();
  const { agent, groupId, path } = await prepare(plane);
  const clusters = `/api/atlas/v2/groups/${groupId}/clusters`;
  const change = (name: string, standard: string) =>
    plane.api('PATCH', `${clusters}/${name}`, { body: { connectionStrings: { standard } } });
  const before = await plane.api('GET', `${clusters}/C1`);
  const changed = await change('C1', 'mongodb://mover:another-canary@d2/?replicaSet=rs');
  assert.equal(changed.status, 200);
  assert.deepEqual(changed.json, { ...before.json, connectionStrings: { standard: 'mongodb://d2/?replicaSet=rs' } });
  assert.equal((await change('C1', 'nonsense')).status, 400);
  assert.equal((await change('C3', 'mongodb://h/?replicaSet=r')).json.errorCode, 'CLUSTER_NOT_FOUND');
  await plane.api('POST', path, { body: cliBody(groupId) });
  const wanted = (await agent.poll(null)).text;
  assert.ok(wanted.includes('another-canary') && !wanted.includes('destination-canary'), wanted);
  const refused = await change('C1', 'mongodb://h/?replicaSet=r');
  assert.deepEqual([refused.status, refused.json.errorCode], [409, 'CANNOT_MODIFY_CLUSTER_WITH_RUNNING_LIVE_IMPORT']);
});

test('an organization without projects is deleted with its keys and links, unless it is the last one', async () => {
  await using plane = await startControlPlane();
  const remove = (id: string, user: readonly [string, string] = [plane.publicKey, plane.privateKey]) =>
    plane.api('DELETE', `/api/atlas/v2/orgs/${id}`, { user });
  const alone = await remove(plane.orgId);
  assert.deepEqual([alone.status, alone.json.errorCode], [409, 'CANNOT_DELETE_LAST_ORG']);

  const id = randomBytes(12).toString('hex');
  const user = await addOrganization(plane, id, ['ORG_OWNER']);
  const member = await addOrganization(plane, id, ['ORG_READ_ONLY']);
  const token = await plane.api('POST', `/api/atlas/v2/orgs/${id}/liveMigrations/linkTokens`, { user, body: {} });
  const agent = new AgentClient(plane.url);
  agent.agentId = String((await agent.redeem(String(token.json.linkToken))).json.agentId);
  const { json: group } = await plane.api('POST', '/api/atlas/v2/groups', { user, body: { name: 'last', orgId: id } });
  const occupied = await remove(id, user);
  assert.deepEqual([occupied.status, occupied.json.errorCode], [409, 'ORG_NOT_EMPTY']);
  assert.equal((await agent.poll(null)).status, 200);
  await plane.api('DELETE', `/api/atlas/v2/groups/${group.id}`, { user });

  const waiting = agent.poll(String((await agent.poll(null)).json.revision), 60, AbortSignal.timeout(30_000));
  assert.equal((await remove(id, user)).status, 204);
  assert.equal((await waiting).json.errorCode, 'LINK_DELETED');
  for (const key of [user, member])
    assert.equal((await plane.api('GET', '/api/atlas/v2/orgs', { user: key })).status, 401);
  assert.equal((await plane.api('GET', `/api/atlas/v2/orgs/${id}`)).json.errorCode, 'ORG_NOT_FOUND');
  assert.equal((await remove(plane.orgId)).json.errorCode, 'CANNOT_DELETE_LAST_ORG');
});

test('keys of another organization do not exist for this one', async () => {
  await using plane = await startControlPlane();
  const other = randomBytes(12).toString('hex');
  const user = await addOrganization(plane, other, ['ORG_OWNER']);
  const key = await makeKey(plane, ['ORG_OWNER']);
  const foreign = `/api/atlas/v2/orgs/${other}/apiKeys/${key.id}`;
  for (const [method, body] of [
    ['GET', undefined],
    ['PATCH', { roles: ['ORG_MEMBER'] }],
    ['DELETE', undefined],
  ] as const) {
    assert.equal((await plane.api(method, foreign, { user, body })).json.errorCode, 'API_KEY_NOT_FOUND');
  }
});
