import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Cluster,
  groupsOf,
  linkedAgentsOf,
  openLinkTokensOf,
  type ServiceAccount,
} from '../../src/control/index.ts';
import { newId } from '../../src/platform/index.ts';
import { AgentClient, createToken, linkAgent } from '../gateway/agent-client.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { DESTINATION } from './migration-world.ts';

const API = '/api/atlas/v2';
const ACCOUNT = { name: 'n', description: '', roles: ['ORG_OWNER'], secretExpiresAfterHours: 8 };

/** Asks twice for one more: the first answer, and the code of the second one's refusal. */
async function askTwice(
  plane: ControlPlane,
  path: string,
  bodyOf: (name: string) => object,
  user: readonly [string, string] = [plane.publicKey, plane.privateKey],
) {
  const last = await plane.api('POST', API + path, { body: bodyOf('last'), user });
  const refused = await plane.api('POST', API + path, { body: bodyOf('one more'), user });
  return [last.status, refused.status, refused.json.errorCode];
}

test('an organization has at most 250 projects, and room for another one once one is deleted', async () => {
  await using plane = await startControlPlane();
  await plane.store.write(async (transaction) => {
    for (let at = 0; at < 249; at += 1) {
      const group = { id: newId(at), orgId: plane.orgId, name: `${at}`, createdAtMs: at, deletedAtMs: null };
      await transaction.insert('groups', group);
    }
  });
  const bodyOf = (name: string) => ({ name, orgId: plane.orgId });
  assert.deepEqual(await askTwice(plane, '/groups', bodyOf), [201, 400, 'MAX_GROUPS_PER_ORG_EXCEEDED']);
  const [{ id } = { id: '' }] = await groupsOf(plane.store, plane.orgId);
  assert.equal((await plane.api('DELETE', `${API}/groups/${id}`)).status, 202);
  assert.equal((await plane.api('POST', `${API}/groups`, { body: bodyOf('one more') })).status, 201);
});

test('an organization has at most 500 service accounts', async () => {
  await using plane = await startControlPlane();
  await plane.store.write(async (transaction) => {
    for (let at = 0; at < 499; at += 1) {
      const id = newId(at);
      const more = { orgId: plane.orgId, groupRoles: [], accessList: [], secrets: [], createdAtMs: at };
      const account: ServiceAccount = {
        kind: 'SERVICE_ACCOUNT',
        id,
        name: `mdb_sa_id_${id}`,
        title: 'n',
        verifiers: null,
        privateKeyEnd: null,
        description: '',
        roles: [],
        ...more,
      };
      await transaction.insert('accounts', account);
    }
  });
  const path = `/orgs/${plane.orgId}/serviceAccounts`;
  assert.deepEqual(await askTwice(plane, path, () => ACCOUNT), [201, 400, 'SERVICE_ACCOUNT_LIMIT']);
});

test('a project has at most 200 registered clusters', async () => {
  await using plane = await startControlPlane();
  const { json } = await plane.api('POST', `${API}/groups`, { body: { name: 'p', orgId: plane.orgId } });
  const groupId = String(json.id);
  const cluster = {
    groupId,
    makesUsers: false,
    connectionString: '' as Cluster['connectionString'],
    deletedAtMs: null,
  };
  await plane.store.write(async (transaction) => {
    for (let at = 0; at < 199; at += 1)
      await transaction.insert('clusters', { ...cluster, id: newId(at), name: `${at}`, createdAtMs: at });
  });
  const connectionStrings = { standard: DESTINATION };
  const bodyOf = (name: string) => ({ name: name.replaceAll(' ', '-'), connectionStrings });
  assert.deepEqual(await askTwice(plane, `/groups/${groupId}/clusters`, bodyOf), [201, 400, 'CLUSTER_LIMIT']);
});

test('an organization has at most 200 linked agents, and one may take the place of another', async () => {
  await using plane = await startControlPlane();
  const { orgId, store } = plane;
  await linkAgent(plane, 'host-1');
  const [first] = await linkedAgentsOf(store, orgId);
  const link = first && (await store.get('links', first.linkId));
  const token = link && (await store.get('linkTokens', link.tokenId));
  assert.ok(first && link && token);
  await store.write(async (transaction) => {
    for (let at = 2; at <= 200; at += 1) {
      const linkId = newId(at);
      const tokenId = `token${String(at).padStart(7, '0')}`;
      await transaction.insert('linkTokens', { ...token, id: tokenId });
      await transaction.insert('links', { ...link, id: linkId, tokenId });
      await transaction.insert('agents', {
        ...first,
        id: newId(at),
        linkId,
        host: `host-${at}`,
        publicKey: `key ${at}`,
      });
    }
  });
  const redeem = async (host: string) => {
    const agent = new AgentClient(plane.url, undefined, () => plane.control.clock.now());
    const { status, json } = await agent.redeem(await createToken(plane, [], host), host);
    return [status, json.errorCode];
  };
  assert.deepEqual(await redeem('host-201'), [400, 'AGENT_LIMIT']);
  assert.deepEqual(await redeem('host-1'), [201, undefined]);
});

test('an organization has at most 500 link-tokens that can be redeemed', async () => {
  await using plane = await startControlPlane();
  const { orgId, store } = plane;
  await createToken(plane);
  const [first] = await openLinkTokensOf(store, orgId);
  assert.ok(first);
  await store.write(async (transaction) => {
    for (let at = 1; at < 499; at += 1)
      await transaction.insert('linkTokens', { ...first, id: `token${String(at).padStart(7, '0')}` });
    await transaction.insert('linkTokens', { ...first, id: 'expiredtoken', expiresAtMs: 1 });
  });
  const path = `/orgs/${orgId}/liveMigrations/linkTokens`;
  assert.deepEqual(await askTwice(plane, path, () => ({})), [201, 400, 'LINK_TOKEN_LIMIT']);
  assert.equal((await plane.api('DELETE', API + path)).status, 204);
  assert.equal((await plane.api('POST', API + path, { body: {} })).status, 201);
});

const orgBodyOf = (name: string) => ({ name, serviceAccount: ACCOUNT });

/** Gives a server more organizations. @param creatorId  by default they count for none */
async function addOrganizations({ store }: ControlPlane, count: number, creatorId = newId(1)): Promise<void> {
  await store.write(async (transaction) => {
    for (let createdAtMs = 0; createdAtMs < count; createdAtMs += 1) {
      const more = { accessListRequired: false, creatorId, createdAtMs, deletedAtMs: null };
      await transaction.insert('organizations', { id: newId(createdAtMs), name: 'n', ...more });
    }
  });
}

/** Creates an organization, and returns its id and a client of its owner. */
async function createOrganization(plane: ControlPlane, user?: readonly [string, string]) {
  const apiKey = { desc: 'owner', roles: ['ORG_OWNER'] };
  const { json } = await plane.api('POST', `${API}/orgs`, { body: { name: 'n', apiKey }, ...(user && { user }) });
  const { organization, apiKey: key } = json as unknown as {
    readonly organization: { readonly id: string };
    readonly apiKey: { readonly publicKey: string; readonly privateKey: string };
  };
  return { id: organization.id, user: [key.publicKey, key.privateKey] as const };
}

// id: at-most-250-organizations
test('a server has at most 250 organizations, which only an owner of the first one exceeds', async () => {
  await using plane = await startControlPlane();
  const tenant = await createOrganization(plane);
  await addOrganizations(plane, 247);
  assert.deepEqual(await askTwice(plane, '/orgs', orgBodyOf, tenant.user), [201, 400, 'ORG_LIMIT']);
  assert.deepEqual(await askTwice(plane, '/orgs', orgBodyOf), [201, 201, undefined]);
});

test('at most 50 organizations descend from one, whatever the ids of all are', async () => {
  await using plane = await startControlPlane();
  const tenant = await createOrganization(plane);
  await addOrganizations(plane, 48, tenant.id);
  const child = await createOrganization(plane, tenant.user);
  assert.deepEqual(await askTwice(plane, '/orgs', orgBodyOf, child.user), [201, 400, 'ORG_LIMIT']);
  assert.deepEqual(await askTwice(plane, '/orgs', orgBodyOf, tenant.user), [400, 400, 'ORG_LIMIT']);
  const other = await createOrganization(plane);
  assert.deepEqual(await askTwice(plane, '/orgs', orgBodyOf, other.user), [201, 201, undefined]);
});
