import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cluster, ServiceAccount } from '../../src/control/index.ts';
import { newId } from '../../src/platform/index.ts';
import { AgentClient, createToken, linkAgent } from '../gateway/agent-client.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { DESTINATION } from './migration-world.ts';

const API = '/api/atlas/v2';
const ACCOUNT = { name: 'n', description: '', roles: ['ORG_OWNER'], secretExpiresAfterHours: 8 };

/** Asks twice for one more: the first answer, and the code of the second one's refusal. */
async function askTwice(plane: ControlPlane, path: string, bodyOf: (name: string) => object) {
  const last = await plane.api('POST', API + path, { body: bodyOf('last') });
  const refused = await plane.api('POST', API + path, { body: bodyOf('one more') });
  return [last.status, refused.status, refused.json.errorCode];
}

test('an organization has at most 250 projects, and room for another one once one is deleted', async () => {
  await using plane = await startControlPlane();
  await plane.store.write(async (transaction) => {
    for (let at = 0; at < 249; at += 1) {
      const group = { id: newId(at), orgId: plane.orgId, name: `${at}`, createdAtMs: at, deletedAtMs: null };
      await transaction.insertGroup(group);
    }
  });
  const bodyOf = (name: string) => ({ name, orgId: plane.orgId });
  assert.deepEqual(await askTwice(plane, '/groups', bodyOf), [201, 400, 'MAX_GROUPS_PER_ORG_EXCEEDED']);
  const [{ id } = { id: '' }] = await plane.store.groupsOf(plane.orgId);
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
        id,
        clientId: `mdb_sa_id_${id}`,
        name: 'n',
        description: '',
        roles: [],
        ...more,
      };
      await transaction.insertServiceAccount(account);
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
      await transaction.insertCluster({ ...cluster, id: newId(at), name: `${at}`, createdAtMs: at });
  });
  const connectionStrings = { standard: DESTINATION };
  const bodyOf = (name: string) => ({ name: name.replaceAll(' ', '-'), connectionStrings });
  assert.deepEqual(await askTwice(plane, `/groups/${groupId}/clusters`, bodyOf), [201, 400, 'CLUSTER_LIMIT']);
});

test('an organization has at most 200 linked agents, and one may take the place of another', async () => {
  await using plane = await startControlPlane();
  const { orgId, store } = plane;
  await linkAgent(plane, 'host-1');
  const [first] = await store.linkedAgentsOf(orgId);
  const link = first && (await store.link(first.linkId));
  const token = link && (await store.linkToken(link.tokenId));
  assert.ok(first && link && token);
  await store.write(async (transaction) => {
    for (let at = 2; at <= 200; at += 1) {
      const linkId = newId(at);
      const tokenId = `token${String(at).padStart(7, '0')}`;
      await transaction.insertLinkToken({ ...token, id: tokenId });
      await transaction.insertLink({ ...link, id: linkId, tokenId });
      await transaction.insertAgent({ ...first, id: newId(at), linkId, host: `host-${at}`, publicKey: `key ${at}` });
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

const orgBodyOf = (name: string) => ({ name, serviceAccount: ACCOUNT });

/** Gives a server more organizations. @param fromMs  when the first one of them was created */
async function addOrganizations({ store }: ControlPlane, count: number, fromMs: number): Promise<void> {
  await store.write(async (transaction) => {
    for (let createdAtMs = fromMs; createdAtMs < fromMs + count; createdAtMs += 1) {
      const more = { accessListRequired: false, createdAtMs, deletedAtMs: null };
      await transaction.insertOrganization({ id: newId(createdAtMs), name: 'n', ...more });
    }
  });
}

// id: at-most-250-organizations
test('a server has at most 250 organizations, whoever creates them', async () => {
  await using plane = await startControlPlane();
  await addOrganizations(plane, 248, 0);
  assert.deepEqual(await askTwice(plane, '/orgs', orgBodyOf), [201, 400, 'ORG_LIMIT']);
});

test('the owner of the first organization creates further ones, however many the others have created', async () => {
  await using plane = await startControlPlane();
  await addOrganizations(plane, 249, Date.now() + 60_000);
  assert.deepEqual(await askTwice(plane, '/orgs', orgBodyOf), [201, 201, undefined]);
});
