import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  accountNamed,
  accountsOf,
  clustersOf,
  findAuditRecords,
  findOrganizations,
  openLinkTokensOf,
} from '../../src/control/index.ts';
import { DigestSession } from '../../src/digest/index.ts';
import { requestAccessToken } from '../support/access-token.ts';
import { ATLAS, type ControlPlane, type Page, startControlPlane } from './control-plane.ts';
import { HeldRequest } from './held-request.ts';
import { SessionClient } from './session-client.ts';
import { unreachedDestinations } from './unreached-destinations.ts';

const ORGS = '/api/atlas/v2/orgs';
const GROUPS = '/api/atlas/v2/groups';
const NOBODY = 'f'.repeat(24);
const NEW_KEY = { desc: 'by a thief', roles: ['ORG_OWNER'] };
const NEW_ACCOUNT = { name: 'by a thief', description: '', roles: ['ORG_OWNER'], secretExpiresAfterHours: 8 };

interface Key {
  readonly id: string;
  readonly user: readonly [string, string];
}

/** Creates an API key with these roles. */
async function newKey(plane: ControlPlane, roles: readonly string[] = ['ORG_OWNER']): Promise<Key> {
  const made = await plane.api('POST', `${ORGS}/${plane.orgId}/apiKeys`, { body: { desc: 'stolen', roles } });
  const { id, publicKey, privateKey } = made.json as Record<string, unknown>;
  return { id: String(id), user: [String(publicKey), String(privateKey)] };
}

/** The header with a valid digest of one request. */
async function digestOf({ url }: ControlPlane, user: Key['user'], method: string, path: string) {
  const challenge = await fetch(url + path, { method });
  await challenge.text();
  const session = new DigestSession(...user);
  session.accept(challenge.headers.get('www-authenticate') ?? '');
  return { accept: ATLAS, authorization: String(session.authorization(method, path)) };
}

/** Holds back the last byte of a request of a key. */
async function hold(plane: ControlPlane, { user }: Key, method: string, path: string, body: unknown) {
  return await HeldRequest.send(plane, method, path, await digestOf(plane, user, method, path), body);
}

/** Asserts that the server had accepted the head of a request, and refused its end for this reason. */
async function assertRefused(plane: ControlPlane, held: HeldRequest, status: number, reason: string, about: string) {
  const before = await refusals(plane);
  const answer = await held.finish();
  assert.equal(answer.status, status, `${about}: ${answer.text}`);
  assert.equal(answer.headers['www-authenticate'], undefined, `${about}: it was refused at its head`);
  assert.deepEqual((await refusals(plane)).slice(0, -before.length || undefined), [reason], about);
}

/** The reasons of refused requests whose sender was authenticated. */
async function refusals(plane: ControlPlane) {
  await plane.control.security.flush();
  const records = await findAuditRecords(
    plane.store,
    { orgId: plane.orgId, eventTypeNames: ['API_REQUEST_UNAUTHORIZED'] },
    { limit: 500 },
  );
  return records.map(({ details }) => details.reason);
}

// id: key-deleted-meanwhile
test('a request that began before its key was deleted changes nothing after the deletion', async () => {
  let dialled = 0;
  const check = async () => {
    dialled += 1;
    return { makesUsers: false };
  };
  await using plane = await startControlPlane({ destinations: { ...unreachedDestinations, check } });
  const org = `${ORGS}/${plane.orgId}`;
  const { json } = await plane.api('POST', GROUPS, { body: { name: 'p', orgId: plane.orgId } });
  const requests: [string, string, unknown][] = [
    ['POST', `${org}/apiKeys`, NEW_KEY],
    ['POST', `${org}/serviceAccounts`, NEW_ACCOUNT],
    ['POST', `${org}/liveMigrations/linkTokens`, {}],
    ['POST', ORGS, { name: 'second', apiKey: NEW_KEY }],
    ['PUT', `${GROUPS}/${json.id}/liveMigrations/${NOBODY}/cutover`, {}],
    ['POST', `${GROUPS}/${json.id}/clusters`, { name: 'C', connectionStrings: { standard: 'mongodb://h/' } }],
  ];
  for (const [method, path, body] of requests) {
    const key = await newKey(plane);
    const held = await hold(plane, key, method, path, body);
    assert.equal((await plane.api('DELETE', `${org}/apiKeys/${key.id}`)).status, 204);
    await assertRefused(plane, held, 401, 'UNAUTHORIZED', `${method} ${path}`);
  }
  assert.equal(dialled, 0, 'a deleted key makes the server dial no one');
  assert.equal((await accountsOf(plane.store, plane.orgId, 'API_KEY')).length, 1);
  assert.deepEqual(await accountsOf(plane.store, plane.orgId, 'SERVICE_ACCOUNT'), []);
  assert.deepEqual(await openLinkTokensOf(plane.store, plane.orgId), []);
  assert.equal((await findOrganizations(plane.store)).length, 1);
});

test('a request that began before its key lost a role or its address is refused', async () => {
  await using plane = await startControlPlane();
  const org = `${ORGS}/${plane.orgId}`;
  const keys = `${org}/apiKeys`;
  const demoted = await newKey(plane);
  const first = await hold(plane, demoted, 'POST', keys, NEW_KEY);
  await plane.api('PATCH', `${keys}/${demoted.id}`, { body: { roles: ['ORG_MEMBER'] } });
  await assertRefused(plane, first, 401, 'UNAUTHORIZED', 'demoted');

  const { json } = await plane.api('POST', GROUPS, { body: { name: 'p', orgId: plane.orgId } });
  const inGroup = await plane.api('POST', `${GROUPS}/${json.id}/apiKeys`, {
    body: { desc: 'd', roles: ['GROUP_OWNER'] },
  });
  const { id, publicKey, privateKey } = inGroup.json as Record<string, unknown>;
  const owner: Key = { id: String(id), user: [String(publicKey), String(privateKey)] };
  const second = await hold(plane, owner, 'PATCH', `${GROUPS}/${json.id}`, { name: 'renamed' });
  await plane.api('PATCH', `${GROUPS}/${json.id}/apiKeys/${id}`, { body: { roles: ['GROUP_READ_ONLY'] } });
  await assertRefused(plane, second, 401, 'UNAUTHORIZED', 'demoted in the project');

  const moved = await newKey(plane);
  const list = `${keys}/${moved.id}/accessList`;
  await plane.api('POST', list, { body: [{ ipAddress: '127.0.0.1' }, { ipAddress: '192.0.2.1' }] });
  const third = await hold(plane, moved, 'POST', keys, NEW_KEY);
  assert.equal((await plane.api('DELETE', `${list}/127.0.0.1`)).status, 204);
  await assertRefused(plane, third, 403, 'IP_ADDRESS_NOT_ON_ACCESS_LIST', 'an address taken off');

  const open = await newKey(plane);
  const listed = await newKey(plane);
  await plane.api('POST', `${keys}/${listed.id}/accessList`, { body: [{ ipAddress: '127.0.0.1' }] });
  const fourth = await hold(plane, open, 'POST', keys, NEW_KEY);
  const required = await plane.api('PATCH', `${org}/settings`, {
    user: listed.user,
    body: { apiAccessListRequired: true },
  });
  assert.equal(required.status, 200);
  await assertRefused(plane, fourth, 403, 'RESOURCE_REQUIRES_ACCESS_LIST', 'an access list that is now required');
});

test('a request that began before its access token or its account ended is refused', async () => {
  await using plane = await startControlPlane();
  const accounts = `${ORGS}/${plane.orgId}/serviceAccounts`;
  type Made = { clientId: string; secrets: { id: string; secret: string }[] };
  const endings = {
    'its token is revoked': async (client: string, token: string) => {
      await fetch(`${plane.url}/api/oauth/revoke`, {
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from(client).toString('base64')}`,
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: `token=${token}`,
      });
    },
    'its secret is deleted': async (client: string) => {
      const [clientId = ''] = client.split(':');
      const [secret] = (await accountNamed(plane.store, 'SERVICE_ACCOUNT', clientId))?.secrets ?? [];
      await plane.api('DELETE', `${accounts}/${clientId}/secrets/${secret?.id}`);
    },
    'its account is deleted': async (client: string) => {
      await plane.api('DELETE', `${accounts}/${client.split(':', 1)}`);
    },
    'its account is demoted': async (client: string) => {
      await plane.api('PATCH', `${accounts}/${client.split(':', 1)}`, { body: { roles: ['ORG_MEMBER'] } });
    },
  };
  for (const [about, end] of Object.entries(endings)) {
    const { json } = await plane.api<Made>('POST', accounts, { body: { ...NEW_ACCOUNT, name: 'stolen' } });
    const client = `${json.clientId}:${json.secrets[0]?.secret}`;
    const { access_token: token } = (await (await requestAccessToken(plane.url, client)).json()) as {
      access_token: string;
    };
    const headers = { accept: ATLAS, authorization: `Bearer ${token}` };
    assert.equal((await fetch(plane.url + accounts, { headers })).status, 200);
    const held = await HeldRequest.send(plane, 'POST', accounts, headers, NEW_ACCOUNT);
    await end(client, token);
    await assertRefused(plane, held, 401, 'UNAUTHORIZED', about);
  }
  const left = await plane.api<Page<{ name: string }>>('GET', accounts);
  assert.ok(!left.json.results.some(({ name }) => name === NEW_ACCOUNT.name));
});

test('a request that began before its session was signed out is refused', async () => {
  await using plane = await startControlPlane();
  const keys = `${ORGS}/${plane.orgId}/apiKeys`;
  const browser = new SessionClient(plane.url);
  await browser.signIn([plane.publicKey, plane.privateKey]);
  const { cookie } = browser;
  const headers = {
    accept: ATLAS,
    'linkspan-console': '1',
    'sec-fetch-site': 'same-origin',
    origin: plane.url,
    cookie,
  };
  const held = await HeldRequest.send(plane, 'POST', keys, headers, NEW_KEY);
  assert.equal((await browser.send('DELETE', '/api/session')).status, 200);
  await assertRefused(plane, held, 401, 'UNAUTHORIZED', 'signed out');
});

test('a destination that was dialled for a key that is deleted meanwhile is not registered', async () => {
  const dialled = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  const check = async () => {
    dialled.resolve();
    await answered.promise;
    return { makesUsers: false };
  };
  await using plane = await startControlPlane({ destinations: { ...unreachedDestinations, check } });
  const { json } = await plane.api('POST', GROUPS, { body: { name: 'p', orgId: plane.orgId } });
  const key = await newKey(plane);
  const body = { name: 'C', connectionStrings: { standard: 'mongodb://h/?replicaSet=r' } };
  const registering = plane.api('POST', `${GROUPS}/${json.id}/clusters`, { body, user: key.user });
  await dialled.promise;
  assert.equal((await plane.api('DELETE', `${ORGS}/${plane.orgId}/apiKeys/${key.id}`)).status, 204);
  answered.resolve();
  assert.equal((await registering).status, 401);
  assert.deepEqual(await clustersOf(plane.store, String(json.id)), []);
});

test('a key that creates and deletes projects is not refused in another one because its roles change', async () => {
  await using plane = await startControlPlane();
  const key = await newKey(plane, ['ORG_GROUP_CREATOR']);
  const create = (name: string) => plane.api('POST', GROUPS, { user: key.user, body: { name, orgId: plane.orgId } });
  const [first, second] = [(await create('first')).json.id, (await create('second')).json.id];
  const rename = () => hold(plane, key, 'PATCH', `${GROUPS}/${second}`, { name: 'renamed' });

  const whileItGains = await rename();
  assert.equal((await create('third')).status, 201);
  assert.equal((await whileItGains.finish()).status, 200);

  const whileOneEnds = await rename();
  assert.ok((await plane.api('DELETE', `${GROUPS}/${first}`)).status < 300);
  assert.equal((await whileOneEnds.finish()).status, 200);
});
