import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLinkToken } from '../../src/link/index.ts';
import { SOURCE_PROJECT } from '../gateway/agent-client.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { findGoProgram, runClient, skipReason } from './foreign-clients.ts';
import { cliBody, prepare, progress } from './migration-world.ts';

const sdk = await findGoProgram('go-sdk-client');

/** An answer as the SDK read it. */
interface Outcome {
  readonly status: number;
  readonly result?: Record<string, unknown> & Record<string, unknown>[];
  readonly error?: Record<string, unknown>;
  readonly message?: string;
}

const ACCOUNT = { clientId: `mdb_sa_id_${'0c'.repeat(12)}`, secret: 'mdb_sa_sk_0123456789abcdefghijklmnopqrstuv' };

type Call = (...call: string[]) => Promise<Outcome>;

function sdkOf(plane: ControlPlane, scheme: 'digest' | 'oauth', secret?: string): Call {
  const [id, own] = scheme === 'digest' ? [plane.publicKey, plane.privateKey] : [ACCOUNT.clientId, ACCOUNT.secret];
  return async (...call) => JSON.parse(await runClient(sdk, plane.url, scheme, id, secret ?? own, ...call));
}

for (const scheme of ['digest', 'oauth'] as const) {
  test(`MongoDB's Go SDK runs a migration from start to end with ${scheme}, and parses every error as one of Atlas`, {
    skip: skipReason(sdk),
  }, async () => {
    await using plane = await startControlPlane({ bootstrapping: { serviceAccount: ACCOUNT } });
    const { agent, groupId } = await prepare(plane);
    const call = sdkOf(plane, scheme);

    for (const body of [{ accessListIps: ['1.2.3.4', '2001:db8::/32'] }, { accessListIps: [] }, {}]) {
      const created = await call('createLinkToken', plane.orgId, JSON.stringify(body));
      assert.equal(created.status, 201, created.message);
      assert.ok(parseLinkToken(String(created.result?.linkToken)));
    }
    const projects = await call('listAvailableProjects', plane.orgId);
    assert.deepEqual(
      projects.result?.map(({ projectId, migrationHosts }) => ({ projectId, migrationHosts })),
      [{ projectId: SOURCE_PROJECT, migrationHosts: ['host-1'] }],
    );

    const order = JSON.stringify(cliBody(groupId));
    const validation = await call('validateLiveMigrations', groupId, order);
    assert.deepEqual([validation.status, validation.result?.status], [200, 'PENDING'], validation.message);
    const validationId = String(validation.result?._id);
    await agent.report({
      validations: [{ id: validationId, status: 'FAILED', errorMessage: 'no such user', findings: [] }],
    });
    const failed = await call('getMigrationValidateStatus', groupId, validationId);
    assert.deepEqual([failed.result?.status, failed.result?.errorMessage], ['FAILED', 'no such user']);

    const { dropDestinationData: _, ...rest } = cliBody(groupId);
    const older = await call('validateOlder', groupId, JSON.stringify({ ...rest, dropEnabled: true }));
    assert.deepEqual([older.status, older.result?.status], [200, 'PENDING'], older.message);
    const mixed = await call('validateOlder', groupId, order);
    assert.deepEqual([mixed.status, mixed.error?.errorCode], [400, 'MISSING_ATTRIBUTE'], mixed.message);

    const started = await call('createGroupLiveMigration', groupId, order);
    assert.deepEqual([started.status, started.result?.status], [201, 'NEW'], started.message);
    const id = String(started.result?._id);
    const early = await call('cutoverMigration', groupId, id);
    assert.deepEqual([early.status, early.error?.error, early.error?.errorCode], [409, 409, 'CUTOVER_NOT_READY']);
    const ready = { state: 'FOLLOWING', readyForCutover: true, lagSeconds: 3 } as const;
    await agent.report({ migrations: [{ id, progress: progress(id, ready) }] });
    const { result } = await call('getGroupLiveMigration', groupId, id);
    assert.deepEqual(
      [result?.status, result?.readyForCutover, result?.lagTimeSeconds, result?.migrationHosts],
      ['WORKING', true, 3, ['host-1']],
    );
    assert.deepEqual(await call('cutoverMigration', groupId, id), { status: 202 });

    const refused = await call('deleteLinkTokens', plane.orgId);
    assert.deepEqual(refused.error, {
      detail: `Cannot delete organization link while there is active migration in following project ids: ${groupId}`,
      error: 409,
      errorCode: 'CANNOT_DELETE_ORG_ACTIVE_LIVE_MIGRATION_ATLAS_ORG_LINK',
      parameters: [groupId],
      reason: 'Conflict',
    });
    await agent.report({ migrations: [{ id, progress: progress(id, { state: 'COMMITTED' }) }] });
    assert.deepEqual(await call('deleteLinkTokens', plane.orgId), { status: 204 });
    const gone = await call('deleteLinkTokens', plane.orgId);
    assert.match(
      gone.message ?? '',
      /HTTP 404 Not Found \(Error code: "UNEXPECTED_ERROR"\) Detail: Could not find the requested external organization link\. Reason: Not Found/,
    );
    const bad = await call('createLinkToken', plane.orgId, JSON.stringify({ accessListIps: ['nonsense'] }));
    assert.deepEqual(
      [bad.status, bad.error?.errorCode, bad.error?.parameters],
      [400, 'INVALID_IP_ADDRESS_OR_CIDR_NOTATION', ['nonsense']],
    );
  });
}

test("MongoDB's Go SDK finds its way from the organization to the cluster", { skip: skipReason(sdk) }, async () => {
  await using plane = await startControlPlane();
  const { groupId } = await prepare(plane);
  const call = sdkOf(plane, 'digest');
  const [organizations, projects] = [await call('listOrgs'), await call('listGroups')];
  const names = ({ result }: Outcome) =>
    (result?.results as Record<string, unknown>[] | undefined)?.map(({ name }) => name);
  assert.deepEqual([organizations.result?.totalCount, names(projects)], [1, ['p']]);
  assert.deepEqual(names(await call('getOrgGroups', plane.orgId)), ['p']);
  assert.equal((await call('getOrg', plane.orgId)).result?.id, plane.orgId);
  assert.equal((await call('getGroup', groupId)).result?.orgId, plane.orgId);
  assert.deepEqual(names(await call('listClusters', groupId)), ['C1', 'C2']);
  // The SDK also sends read-only fields of a project.
  const made = await call('createGroup', JSON.stringify({ name: 'made', orgId: plane.orgId }));
  assert.deepEqual([made.status, made.result?.name], [201, 'made'], made.message);
  const unknown = await call('getGroup', 'f'.repeat(24));
  assert.deepEqual([unknown.status, unknown.error?.errorCode], [404, 'GROUP_NOT_FOUND']);
});

test("MongoDB's Go SDK administers organizations, projects, keys, accounts and their access lists, and reads events", {
  skip: skipReason(sdk),
}, async () => {
  await using plane = await startControlPlane();
  const call = sdkOf(plane, 'digest');
  const { orgId } = plane;
  /** Makes a call that must succeed. @returns the fields of the answer that the SDK knows */
  const good = async (status: number, name: string, ...args: (string | object)[]) => {
    const texts = args.map((arg) => (typeof arg === 'string' ? arg : JSON.stringify(arg)));
    const outcome = await call(name, ...texts);
    assert.equal(outcome.status, status, `${name}: ${outcome.message}`);
    return outcome.result as unknown as Record<string, unknown> & { results: Record<string, unknown>[] };
  };
  const first = async (name: string, ...args: string[]) => (await good(200, name, ...args)).results[0];

  const made = await good(201, 'createOrg', { name: 'second', apiKey: { desc: 'd', roles: ['ORG_OWNER'] } });
  assert.match(String((made.apiKey as Record<string, unknown>).privateKey), /^[0-9a-f-]{73}$/);
  assert.equal((await good(200, 'updateOrg', orgId, { name: 'renamed' })).name, 'renamed');
  assert.equal((await good(200, 'getOrgSettings', orgId)).apiAccessListRequired, false);
  await good(200, 'updateOrgSettings', orgId, { apiAccessListRequired: false });
  const groupId = String((await good(201, 'createGroup', { name: 'p', orgId })).id);
  assert.equal((await good(200, 'getGroupByName', 'p')).id, groupId);
  assert.equal((await good(200, 'updateGroup', groupId, { name: 'q' })).name, 'q');

  const key = await good(200, 'createOrgApiKey', orgId, { desc: 'd', roles: ['ORG_MEMBER'] });
  const id = String(key.id);
  assert.equal((await good(200, 'listOrgApiKeys', orgId)).totalCount, 2);
  assert.match(String((await good(200, 'getOrgApiKey', orgId, id)).privateKey), /^\*{8}-\*{4}-\*{4}-/);
  assert.equal((await good(200, 'updateOrgApiKey', orgId, id, { desc: 'e' })).desc, 'e');
  const entries = [{ ipAddress: '192.0.2.1' }, { cidrBlock: '198.51.100.0/24' }];
  assert.equal((await good(200, 'createOrgAccessEntry', orgId, id, entries)).totalCount, 2);
  assert.equal((await first('listOrgAccessEntries', orgId, id))?.cidrBlock, '192.0.2.1/32');
  assert.equal((await good(200, 'getOrgAccessEntry', orgId, id, '192.0.2.1')).ipAddress, '192.0.2.1');
  await good(204, 'deleteAccessEntry', orgId, id, '198.51.100.0/24');
  await good(204, 'addGroupApiKey', groupId, id, [{ roles: ['GROUP_READ_ONLY'] }]);
  const roles = (await good(200, 'updateApiKeyRoles', groupId, id, { roles: ['GROUP_OWNER'] })).roles;
  assert.deepEqual(roles, [
    { orgId, roleName: 'ORG_MEMBER' },
    { groupId, roleName: 'GROUP_OWNER' },
  ]);
  await good(204, 'removeGroupApiKey', groupId, id);
  await good(200, 'createGroupApiKey', groupId, { desc: 'd', roles: ['GROUP_OWNER'] });
  assert.equal((await good(200, 'listGroupApiKeys', groupId)).totalCount, 1);
  await good(204, 'deleteOrgApiKey', orgId, id);

  const wanted = { name: 'n', description: 'd', roles: ['ORG_MEMBER'], secretExpiresAfterHours: 8 };
  const account = await good(201, 'createOrgServiceAccount', orgId, wanted);
  const clientId = String(account.clientId);
  assert.match(String((account.secrets as Record<string, unknown>[])[0]?.secret), /^mdb_sa_sk_/);
  assert.equal((await first('listOrgServiceAccounts', orgId))?.clientId, clientId);
  assert.equal((await good(200, 'getOrgServiceAccount', orgId, clientId)).description, 'd');
  assert.equal((await good(200, 'updateOrgServiceAccount', orgId, clientId, { name: 'm' })).name, 'm');
  const secret = await good(201, 'createOrgSecret', orgId, clientId, { secretExpiresAfterHours: 24 });
  await good(204, 'deleteOrgSecret', orgId, clientId, String(secret.id));
  await good(201, 'createOrgAccessList', orgId, clientId, [{ ipAddress: '192.0.2.1' }]);
  assert.equal((await first('listOrgAccessList', orgId, clientId))?.ipAddress, '192.0.2.1');
  await good(204, 'deleteOrgAccessEntry', orgId, clientId, '192.0.2.1');
  await good(204, 'deleteOrgServiceAccount', orgId, clientId);

  const status = await good(200, 'getSystemStatus');
  assert.equal((status.apiKey as Record<string, unknown>).publicKey, plane.publicKey);
  const cluster = { name: 'C', connectionStrings: { standard: 'mongodb://h/?replicaSet=r' } };
  await plane.api('POST', `/api/atlas/v2/groups/${groupId}/clusters`, { body: cluster });
  assert.equal((await good(200, 'getCluster', groupId, 'C')).name, 'C');
  await good(202, 'deleteCluster', groupId, 'C');
  const occupied = await call('deleteOrg', orgId);
  assert.deepEqual([occupied.status, occupied.error?.errorCode], [409, 'ORG_NOT_EMPTY']);
  await good(202, 'deleteGroup', groupId);
  const event = await first('listOrgEvents', orgId);
  assert.deepEqual([event?.eventTypeName, event?.publicKey, event?.orgId], ['GROUP_DELETED', plane.publicKey, orgId]);
  const gone = await call('listGroupEvents', groupId);
  assert.deepEqual([gone.status, gone.error?.errorCode], [404, 'GROUP_NOT_FOUND']);
});

test("MongoDB's Go SDK answers the stronger of two challenges, and each of them alone", {
  skip: skipReason(sdk),
}, async () => {
  for (const digestAlgorithms of [['SHA-256', 'MD5'], ['SHA-256'], ['MD5']] as const) {
    await using plane = await startControlPlane({ digestAlgorithms });
    assert.equal((await sdkOf(plane, 'digest')('listOrgs')).status, 200, digestAlgorithms.join());
  }
});

test("MongoDB's Go SDK distinguishes wrong credentials and revoked tokens from other errors", {
  skip: skipReason(sdk),
}, async () => {
  await using plane = await startControlPlane({ bootstrapping: { serviceAccount: ACCOUNT } });
  const digest = await sdkOf(plane, 'digest', 'wrong')('listOrgs');
  assert.deepEqual([digest.status, digest.error?.detail], [401, 'You are not authorized for this resource.']);
  const oauth = await sdkOf(plane, 'oauth', 'wrong')('listOrgs');
  assert.match(oauth.message ?? '', /"invalid_client" "Invalid credentials provided\."/);
  const revoked = await sdkOf(plane, 'oauth')('revoked');
  assert.deepEqual([revoked.status, revoked.error?.error], [401, 401]);
});
