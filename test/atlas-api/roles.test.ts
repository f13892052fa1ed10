import assert from 'node:assert/strict';
import { test } from 'node:test';
import { operations } from '../../src/atlas-api/operations.ts';
import { auditRecordsAfter } from '../../src/control/index.ts';
import { addOrganization, type ControlPlane, type Page, startControlPlane } from './control-plane.ts';
import { FakeClock } from './fake-clock.ts';
import { cliBody, prepare, progress } from './migration-world.ts';

const NOBODY = 'f'.repeat(24);
const DENIALS = [
  'USER_CANNOT_ACCESS_ORG',
  'USER_CANNOT_ACCESS_GROUP',
  'NOT_ORG_OWNER',
  'NOT_ORG_GROUP_CREATOR',
  'USER_UNAUTHORIZED',
];

/** The callers. Those with a role in the project are members of the organization, like keys that a project creates. */
const IN_ORGANIZATION = ['ORG_OWNER', 'ORG_MEMBER', 'ORG_READ_ONLY', 'ORG_GROUP_CREATOR', 'ORG_BILLING_ADMIN'] as const;
const IN_GROUP = ['GROUP_OWNER', 'GROUP_CLUSTER_MANAGER', 'GROUP_READ_ONLY', 'GROUP_DATA_ACCESS_ADMIN'] as const;

const OWNER = ['ORG_OWNER'];
const MEMBERS = [...IN_ORGANIZATION, ...IN_GROUP, 'owner of another project'];
const READERS = ['ORG_OWNER', 'ORG_READ_ONLY', ...IN_GROUP];
const GROUP_OWNERS = ['ORG_OWNER', 'GROUP_OWNER'];
const EVERYBODY = [...MEMBERS, 'stranger'];

/** The permitted callers of each operation, with valid bodies, because an error in a body is reported first. */
const TABLE: Readonly<Record<string, { readonly may: readonly string[]; readonly body?: (ids: Ids) => unknown }>> = {
  createOrgLiveMigrationLinkToken: { may: OWNER, body: () => ({}) },
  deleteOrgLiveMigrationLinkTokens: { may: OWNER },
  listOrgLiveMigrationAvailableProjects: { may: OWNER },
  validateGroupLiveMigrations: { may: OWNER, body: ({ groupId }) => cliBody(groupId, { migrationHosts: ['none'] }) },
  getGroupLiveMigrationValidateStatus: { may: OWNER },
  createGroupLiveMigration: { may: OWNER, body: ({ groupId }) => cliBody(groupId, { migrationHosts: ['none'] }) },
  getGroupLiveMigration: { may: MEMBERS },
  cutoverGroupLiveMigration: { may: OWNER },
  listGroupLiveMigrations: { may: READERS },
  listOrgLiveMigrations: { may: MEMBERS },
  pauseGroupLiveMigration: { may: OWNER },
  resumeGroupLiveMigration: { may: OWNER },
  cancelGroupLiveMigration: { may: OWNER, body: () => ({ dropCopiedData: false }) },
  setGroupLiveMigrationLoadLevel: { may: OWNER, body: () => ({ loadLevel: 1 }) },
  confirmGroupLiveMigrationDrops: { may: OWNER },
  abortGroupLiveMigrationCutover: { may: OWNER },
  rehearseGroupLiveMigrationCutover: { may: OWNER },
  getGroupLiveMigrationCutoverReport: { may: READERS },
  getGroupLiveMigrationSamples: { may: READERS },
  listGroupLiveMigrationCollections: { may: READERS },
  listGroupLiveMigrationMismatches: { may: READERS },
  reverseGroupLiveMigration: { may: OWNER },
  finishGroupLiveMigration: { may: OWNER },
  limitGroupLiveMigrationCopy: { may: OWNER, body: () => ({ maxMegabytesPerSecond: 1 }) },
  moveGroupLiveMigration: { may: OWNER, body: () => ({ migrationHost: 'host-1' }) },
  labelGroupLiveMigration: { may: OWNER, body: () => ({ labels: {} }) },
  setGroupLiveMigrationLoadWindows: { may: OWNER, body: () => ({ windows: [] }) },
  extendGroupLiveMigrationCutoverWindow: { may: OWNER, body: () => ({ hours: 1 }) },
  listOrgLiveMigrationLinks: { may: MEMBERS },
  approveOrgLiveMigrationLink: { may: OWNER },
  revokeOrgLiveMigrationLink: { may: OWNER },
  listOrgs: { may: EVERYBODY },
  createOrg: {
    may: ['ORG_OWNER', 'stranger'],
    body: () => ({ name: 'n', apiKey: { desc: 'd', roles: ['ORG_OWNER'] } }),
  },
  getOrg: { may: MEMBERS },
  updateOrg: { may: OWNER, body: () => ({ name: 'n' }) },
  deleteOrg: { may: OWNER },
  getOrgSettings: { may: MEMBERS },
  updateOrgSettings: { may: OWNER, body: () => ({ apiAccessListRequired: false }) },
  listGroups: { may: EVERYBODY },
  getOrgGroups: { may: MEMBERS },
  createGroup: { may: ['ORG_OWNER', 'ORG_GROUP_CREATOR'], body: ({ orgId }) => ({ name: 'p', orgId }) },
  getGroup: { may: READERS },
  getGroupByName: { may: EVERYBODY },
  updateGroup: { may: GROUP_OWNERS, body: () => ({ name: 'p' }) },
  deleteGroup: { may: GROUP_OWNERS },
  listGroupClusters: { may: READERS },
  createGroupCluster: {
    may: ['ORG_OWNER', 'GROUP_OWNER', 'GROUP_CLUSTER_MANAGER'],
    body: () => ({ name: 'C1', connectionStrings: { standard: 'mongodb://h/?replicaSet=r' } }),
  },
  getGroupCluster: { may: READERS },
  updateGroupCluster: {
    may: ['ORG_OWNER', 'GROUP_OWNER', 'GROUP_CLUSTER_MANAGER'],
    body: () => ({ connectionStrings: { standard: 'mongodb://h/?replicaSet=r' } }),
  },
  deleteGroupCluster: { may: GROUP_OWNERS },
  listOrgApiKeys: { may: MEMBERS },
  createOrgApiKey: { may: OWNER, body: () => ({ desc: 'd', roles: ['ORG_MEMBER'] }) },
  getOrgApiKey: { may: MEMBERS },
  updateOrgApiKey: { may: OWNER, body: () => ({ desc: 'd' }) },
  deleteOrgApiKey: { may: OWNER },
  listGroupApiKeys: { may: READERS },
  createGroupApiKey: { may: GROUP_OWNERS, body: () => ({ desc: 'd', roles: ['GROUP_READ_ONLY'] }) },
  updateGroupApiKeyRoles: { may: GROUP_OWNERS, body: () => ({ desc: 'd' }) },
  addGroupApiKey: { may: GROUP_OWNERS, body: () => [{ roles: ['GROUP_OWNER'] }] },
  removeGroupApiKey: { may: GROUP_OWNERS },
  listOrgServiceAccounts: { may: ['ORG_OWNER', 'ORG_READ_ONLY'] },
  createOrgServiceAccount: {
    may: OWNER,
    body: () => ({ name: 'n', description: '', roles: ['ORG_MEMBER'], secretExpiresAfterHours: 8 }),
  },
  getOrgServiceAccount: { may: ['ORG_OWNER', 'ORG_READ_ONLY'] },
  updateOrgServiceAccount: { may: OWNER, body: () => ({ name: 'n' }) },
  deleteOrgServiceAccount: { may: OWNER },
  createOrgServiceAccountSecret: { may: OWNER, body: () => ({ secretExpiresAfterHours: 8 }) },
  deleteOrgServiceAccountSecret: { may: OWNER },
  listOrgApiKeyAccessListEntries: { may: MEMBERS },
  createOrgApiKeyAccessListEntry: { may: OWNER, body: () => [{ ipAddress: '192.0.2.1' }] },
  getOrgApiKeyAccessListEntry: { may: MEMBERS },
  deleteOrgApiKeyAccessListEntry: { may: OWNER },
  listOrgServiceAccountAccessList: { may: ['ORG_OWNER', 'ORG_READ_ONLY'] },
  createOrgServiceAccountAccessList: { may: OWNER, body: () => [{ cidrBlock: '192.0.2.0/24' }] },
  deleteOrgServiceAccountAccessListEntry: { may: OWNER },
  listOrgEvents: { may: MEMBERS },
  getOrgEvent: { may: MEMBERS },
  verifyOrgEvents: { may: OWNER },
  listGroupEvents: { may: READERS },
  getGroupEvent: { may: READERS },
  getSystemStatus: { may: EVERYBODY },
};

interface Ids {
  readonly orgId: string;
  readonly groupId: string;
}

type Keys = Readonly<Record<string, readonly [string, string]>>;

async function keysOf(plane: ControlPlane, groupId: string, otherGroupId: string): Promise<Keys> {
  const keys: Record<string, readonly [string, string]> = {};
  for (const role of IN_ORGANIZATION) keys[role] = await addOrganization(plane, plane.orgId, [role]);
  const withRoles = (groupRoles: Parameters<typeof addOrganization>[4]) =>
    addOrganization(plane, plane.orgId, ['ORG_MEMBER'], [], groupRoles);
  for (const roleName of IN_GROUP) keys[roleName] = await withRoles([{ groupId, roleName }]);
  keys['owner of another project'] = await withRoles([{ groupId: otherGroupId, roleName: 'GROUP_OWNER' }]);
  keys.stranger = await addOrganization(plane, 'c'.repeat(24), ['ORG_OWNER']);
  return keys;
}

/** How many changes are on record. Refused attempts are on record, too, but are no changes. */
const recordsOf = async ({ store }: ControlPlane) => {
  const records = await auditRecordsAfter(store, 0, 100_000);
  return records.filter(({ eventTypeName }) => eventTypeName !== 'API_REQUEST_UNAUTHORIZED').length;
};

// id: every-operation-and-role
test('every operation is open to the permitted roles, closed to all others and to other organizations, and refused requests change nothing', async () => {
  await using plane = await startControlPlane({ clock: new FakeClock(), rateLimits: false });
  const { groupId } = await prepare(plane);
  const other = await plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'other', orgId: plane.orgId } });
  const keys = await keysOf(plane, groupId, String(other.json.id));
  const ids = { orgId: plane.orgId, groupId };
  const named: Record<string, string> = { ...ids, clusterName: 'none', groupName: 'none', ipAddress: '192.0.2.9' };
  assert.deepEqual(operations.map(({ operationId }) => operationId).sort(), Object.keys(TABLE).sort());
  for (const { operationId, method, path } of operations) {
    const { may, body } = TABLE[operationId] ?? { may: [] };
    const target = `/api/atlas/v2${path.replace(/\{(\w+)\}/g, (_whole, name: string) => named[name] ?? NOBODY)}`;
    for (const [who, user] of Object.entries(keys)) {
      const before = await recordsOf(plane);
      const { json } = await plane.api(method, target, { user, body: body?.(ids) });
      const denied = DENIALS.includes(String(json?.errorCode));
      assert.equal(!denied, may.includes(who), `${operationId} as ${who}: ${JSON.stringify(json).slice(0, 200)}`);
      if (denied) assert.equal(await recordsOf(plane), before, `${operationId} as ${who} left a record`);
    }
  }
});

test('lists show only what the caller may see', async () => {
  await using plane = await startControlPlane();
  const { groupId } = await prepare(plane);
  const other = await plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'other', orgId: plane.orgId } });
  const keys = await keysOf(plane, groupId, String(other.json.id));
  const namesFor = async (who: string, path: string) => {
    const { json } = await plane.api<Page<{ name: string }>>('GET', `/api/atlas/v2${path}`, { user: keys[who] });
    return json.results.map(({ name }) => name);
  };
  const see = async (who: string, path: string) => await plane.api('GET', `/api/atlas/v2${path}`, { user: keys[who] });
  assert.deepEqual(await namesFor('stranger', '/orgs'), ['other']);
  assert.deepEqual(await namesFor('ORG_READ_ONLY', '/orgs'), ['Linkspan']);
  for (const path of ['/groups', `/orgs/${plane.orgId}/groups`]) {
    assert.deepEqual(await namesFor('ORG_READ_ONLY', path), ['p', 'other']);
    assert.deepEqual(await namesFor('GROUP_READ_ONLY', path), ['p']);
    assert.deepEqual(await namesFor('ORG_MEMBER', path), []);
  }
  assert.deepEqual(await namesFor('stranger', '/groups'), []);
  assert.equal((await see('GROUP_OWNER', '/groups/byName/p')).json.id, groupId);
  assert.equal((await see('stranger', '/groups/byName/p')).json.errorCode, 'GROUP_NOT_FOUND');
});

test('the migrations of an organization are those of projects that the caller may read, newest first, in pages', async () => {
  await using plane = await startControlPlane({ rateLimits: false });
  const { groupId, agent, path } = await prepare(plane);
  const made = await plane.api('POST', path, { body: cliBody(groupId) });
  const first = String(made.json._id);
  const keys = await keysOf(plane, groupId, NOBODY);
  const other = await plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'other', orgId: plane.orgId } });
  const otherId = String(other.json.id);
  const cluster = { name: 'C', connectionStrings: { standard: 'mongodb://other.example/?replicaSet=r' } };
  await plane.api('POST', `/api/atlas/v2/groups/${otherId}/clusters`, { body: cluster });
  await agent.report({ migrations: [{ id: first, progress: progress(first, { state: 'FAILED' }) }] });
  const body = cliBody(otherId, { destination: { clusterName: 'C' } });
  const next = await plane.api('POST', `/api/atlas/v2/groups/${otherId}/liveMigrations`, { body });
  const second = String(next.json._id);
  const list = async (query = '', user?: readonly [string, string]) => {
    const target = `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations${query}`;
    const { json } = await plane.api<Page<{ _id: string }>>('GET', target, user && { user });
    return [json.totalCount, ...json.results.map(({ _id }) => _id)];
  };
  assert.deepEqual(await list(), [2, second, first]);
  assert.deepEqual(await list('?itemsPerPage=1&pageNum=2'), [2, first]);
  assert.deepEqual(await list('', keys.ORG_READ_ONLY), [2, second, first]);
  assert.deepEqual(await list('', keys.GROUP_READ_ONLY), [1, first]);
  assert.deepEqual(await list('', keys.ORG_MEMBER), [0]);
});

test('a key that may only create projects owns the project that it created', async () => {
  await using plane = await startControlPlane();
  const user = await addOrganization(plane, plane.orgId, ['ORG_GROUP_CREATOR']);
  const made = await plane.api('POST', '/api/atlas/v2/groups', { user, body: { name: 'mine', orgId: plane.orgId } });
  const path = `/api/atlas/v2/groups/${made.json.id}`;
  assert.equal((await plane.api('PATCH', path, { user, body: { name: 'renamed' } })).json.name, 'renamed');
  assert.deepEqual((await plane.api('DELETE', path, { user })).json, {});
  assert.equal((await plane.api('GET', path, { user })).json.errorCode, 'GROUP_NOT_FOUND');
});
