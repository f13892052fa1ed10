import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { operations } from '../../src/atlas-api/operations.ts';
import { audit, SYSTEM } from '../../src/control/audit/audit.ts';
import {
  actorOf,
  controlFor,
  expireMigrations,
  findAccount,
  lastAuditRecord,
  verifyAudit,
  verifyEvents,
  type Where,
  type Window,
} from '../../src/control/index.ts';
import { AgentClient, createToken, linkAgent } from '../gateway/agent-client.ts';
import { type ControlPlane, type Page, startControlPlane } from './control-plane.ts';
import { FakeClock } from './fake-clock.ts';
import { cliBody, prepare, progress } from './migration-world.ts';

const HEAD_HOURS = 121;

const newest = async (plane: ControlPlane) => await lastAuditRecord(plane.store);

test('every mutation of the API leaves exactly one record with its actor, address, action and target, and no secret', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock, rateLimits: false });
  const { agent, groupId, path } = await prepare(plane);
  const done = new Set<string>();
  const org = `/api/atlas/v2/orgs/${plane.orgId}`;
  const group = `/api/atlas/v2/groups/${groupId}`;
  /** @returns the answer's body */
  const change = async (
    operationId: string,
    eventTypeName: string,
    target: string,
    body?: object,
    user: readonly [string, string] = [plane.publicKey, plane.privateKey],
  ) => {
    const before = (await newest(plane))?.sequence ?? 0;
    const operation = operations.find((each) => each.operationId === operationId);
    const answer = await plane.api(operation?.method ?? '', target, { body, user });
    assert.ok(answer.status < 300, `${operationId}: ${answer.text}`);
    const record = await newest(plane);
    assert.deepEqual([record?.sequence, record?.eventTypeName], [before + 1, eventTypeName], operationId);
    assert.deepEqual([record?.actorName, record?.remoteAddress], [user[0], '127.0.0.1'], operationId);
    const kept = JSON.stringify(record);
    for (const secret of ['canary', String(answer.json?.linkToken), String(answer.json?.privateKey)]) {
      assert.ok(!kept.includes(secret), `${operationId}: ${kept}`);
    }
    done.add(operationId);
    return answer.json;
  };

  await change('createOrgLiveMigrationLinkToken', 'LINK_TOKEN_CREATED', `${org}/liveMigrations/linkTokens`, {});
  await linkAgent(plane, 'host-2');
  const successor = new AgentClient(plane.url, undefined, () => clock.now());
  assert.equal((await successor.redeem(await createToken(plane), 'host-2')).status, 201);
  const links = `${org}/liveMigrations/links`;
  const listed = (await plane.api<Page<{ id: string; status: string }>>('GET', links)).json.results;
  const pending = listed.find(({ status }) => status === 'PENDING_APPROVAL');
  await change('approveOrgLiveMigrationLink', 'LINK_APPROVED', `${links}/${pending?.id}/approve`);
  await change('revokeOrgLiveMigrationLink', 'LINK_REVOKED', `${links}/${pending?.id}`);
  await change('updateOrg', 'ORG_RENAMED', org, { name: 'renamed' });
  const newOrg = { name: 'second', apiKey: { desc: 'd', roles: ['ORG_OWNER'] } };
  const second = await change('createOrg', 'ORG_CREATED', '/api/atlas/v2/orgs', newOrg);
  const { publicKey, privateKey } = second.apiKey as unknown as Record<string, string>;
  const { id: secondId } = second.organization as unknown as Record<string, string>;
  const itsOwner = [String(publicKey), String(privateKey)] as const;
  await change('deleteOrg', 'ORG_DELETED', `/api/atlas/v2/orgs/${secondId}`, undefined, itsOwner);
  const settings = `${org}/settings`;
  await change('updateOrgSettings', 'ORG_PUBLIC_API_ACCESS_LIST_NOT_REQUIRED', settings, {
    apiAccessListRequired: false,
  });

  const body = { desc: 'd', roles: ['ORG_MEMBER'] };
  const key = await change('createOrgApiKey', 'API_KEY_CREATED', `${org}/apiKeys`, body);
  const ofKey = `${org}/apiKeys/${key.id}`;
  await change('updateOrgApiKey', 'API_KEY_DESCRIPTION_CHANGED', ofKey, { desc: 'e' });
  const entry = [{ ipAddress: '192.0.2.1' }];
  const added = 'ACCESS_LIST_ENTRY_ADDED';
  const deleted = 'ACCESS_LIST_ENTRY_DELETED';
  await change('createOrgApiKeyAccessListEntry', `API_KEY_${added}`, `${ofKey}/accessList`, entry);
  await change('deleteOrgApiKeyAccessListEntry', `API_KEY_${deleted}`, `${ofKey}/accessList/192.0.2.1`);
  const roles = ['GROUP_READ_ONLY'];
  await change('addGroupApiKey', 'API_KEY_ADDED_TO_GROUP', `${group}/apiKeys/${key.id}`, [{ roles }]);
  const owner = { roles: ['GROUP_OWNER'] };
  await change('updateGroupApiKeyRoles', 'API_KEY_ROLES_CHANGED', `${group}/apiKeys/${key.id}`, owner);
  await change('removeGroupApiKey', 'API_KEY_REMOVED_FROM_GROUP', `${group}/apiKeys/${key.id}`);
  await change('createGroupApiKey', 'API_KEY_CREATED', `${group}/apiKeys`, { desc: 'd', roles });
  await change('deleteOrgApiKey', 'API_KEY_DELETED', ofKey);

  const wanted = { name: 'n', description: '', roles: ['ORG_MEMBER'], secretExpiresAfterHours: 8 };
  const account = await change('createOrgServiceAccount', 'SERVICE_ACCOUNT_CREATED', `${org}/serviceAccounts`, wanted);
  const ofAccount = `${org}/serviceAccounts/${account.clientId}`;
  await change('updateOrgServiceAccount', 'SERVICE_ACCOUNT_DETAILS_CHANGED', ofAccount, { name: 'm' });
  const list = `${ofAccount}/accessList`;
  await change('createOrgServiceAccountAccessList', `SERVICE_ACCOUNT_${added}`, list, entry);
  await change('deleteOrgServiceAccountAccessListEntry', `SERVICE_ACCOUNT_${deleted}`, `${list}/192.0.2.1`);
  const hours = { secretExpiresAfterHours: 8 };
  const secret = await change(
    'createOrgServiceAccountSecret',
    'SERVICE_ACCOUNT_SECRET_ADDED',
    `${ofAccount}/secrets`,
    hours,
  );
  await change('deleteOrgServiceAccountSecret', 'SERVICE_ACCOUNT_SECRET_DELETED', `${ofAccount}/secrets/${secret.id}`);
  await change('deleteOrgServiceAccount', 'SERVICE_ACCOUNT_DELETED', ofAccount);

  const order = cliBody(groupId);
  await change('validateGroupLiveMigrations', 'LIVE_MIGRATION_VALIDATION_CREATED', `${path}/validate`, order);
  const id = String((await change('createGroupLiveMigration', 'LIVE_MIGRATION_CREATED', path, order))._id);
  await change('limitGroupLiveMigrationCopy', 'LIVE_MIGRATION_COPY_RATE_SET', `${path}/${id}/copyRate`, {
    maxMegabytesPerSecond: 5,
  });
  await change('labelGroupLiveMigration', 'LIVE_MIGRATION_LABELS_SET', `${path}/${id}/labels`, {
    labels: { team: 'payments' },
  });
  const ofTwo = await createToken(plane, [], undefined, 2);
  const leader = await linkAgent(plane, 'leader', ofTwo);
  const standby = await linkAgent(plane, 'standby', ofTwo);
  const led = cliBody(groupId, { migrationHosts: ['leader'], destination: { clusterName: 'C2' } });
  const moved = String((await plane.api('POST', path, { body: led })).json._id);
  await leader.poll(null);
  await standby.report({ standbys: [{ id: moved, record: 'WRITTEN' }] });
  await change('moveGroupLiveMigration', 'LIVE_MIGRATION_MOVE_REQUESTED', `${path}/${moved}/move`, {
    migrationHost: 'standby',
  });
  await leader.report({ migrations: [{ id: moved, progress: progress(moved, { state: 'CANCELLED' }) }] });
  const windows = [{ days: ['SAT'], from: '22:00', to: '06:00', timeZone: 'UTC', loadLevel: 4 }];
  await change('setGroupLiveMigrationLoadWindows', 'LIVE_MIGRATION_LOAD_WINDOWS_SET', `${path}/${id}/loadWindows`, {
    windows,
  });
  await change('setGroupLiveMigrationLoadLevel', 'LIVE_MIGRATION_LOAD_LEVEL_SET', `${path}/${id}/loadLevel`, {
    loadLevel: 1,
  });
  await change('confirmGroupLiveMigrationDrops', 'LIVE_MIGRATION_DROPS_CONFIRMED', `${path}/${id}/confirmDrops`);
  await change('pauseGroupLiveMigration', 'LIVE_MIGRATION_PAUSE_REQUESTED', `${path}/${id}/pause`);
  await change('resumeGroupLiveMigration', 'LIVE_MIGRATION_RESUME_REQUESTED', `${path}/${id}/resume`);
  const report = (state: 'FOLLOWING' | 'COMMITTED', of: string) =>
    agent.report({ migrations: [{ id: of, progress: progress(of, { state, readyForCutover: true }) }] });
  await report('FOLLOWING', id);
  assert.equal((await newest(plane))?.eventTypeName, 'LIVE_MIGRATION_READY');
  assert.deepEqual([(await newest(plane))?.actorKind, (await newest(plane))?.actorName], ['AGENT', 'host-1']);
  await change(
    'extendGroupLiveMigrationCutoverWindow',
    'LIVE_MIGRATION_WINDOW_EXTENDED',
    `${path}/${id}/cutoverWindow`,
    { hours: 200 },
  );
  await change(
    'rehearseGroupLiveMigrationCutover',
    'LIVE_MIGRATION_CUTOVER_REHEARSAL_REQUESTED',
    `${path}/${id}/rehearseCutover`,
  );
  await plane.api('PUT', `${path}/${id}/cutover`);
  await change(
    'abortGroupLiveMigrationCutover',
    'LIVE_MIGRATION_CUTOVER_ABORT_REQUESTED',
    `${path}/${id}/abortCutover`,
  );
  await change('cutoverGroupLiveMigration', 'LIVE_MIGRATION_CUTOVER_REQUESTED', `${path}/${id}/cutover`);
  await report('COMMITTED', id);
  assert.equal((await newest(plane))?.eventTypeName, 'LIVE_MIGRATION_COMPLETE');

  const late = String((await plane.api('POST', path, { body: order })).json._id);
  await report('FOLLOWING', late);
  clock.nowMs += HEAD_HOURS * 3_600_000;
  await expireMigrations(plane.control);
  assert.deepEqual(
    [(await newest(plane))?.eventTypeName, (await newest(plane))?.actorKind],
    ['LIVE_MIGRATION_EXPIRED', 'SYSTEM'],
  );
  await agent.report({});
  const third = String((await plane.api('POST', path, { body: order })).json._id);
  await agent.poll(null);
  const cancellation = { dropCopiedData: false };
  await change('cancelGroupLiveMigration', 'LIVE_MIGRATION_CANCEL_REQUESTED', `${path}/${third}/cancel`, cancellation);
  await agent.report({ migrations: [{ id: third, progress: progress(third, { state: 'CANCELLED' }) }] });

  const back = { ...order, linkspan: { reversible: true } };
  const fourth = String((await plane.api('POST', path, { body: back })).json._id);
  const committed = (more: object) =>
    agent.report({
      migrations: [{ id: fourth, progress: progress(fourth, { state: 'COMMITTED' }), reversals: 0, ...more }],
    });
  await committed({ failback: { state: 'PREPARING' } });
  await change('reverseGroupLiveMigration', 'LIVE_MIGRATION_REVERSE_REQUESTED', `${path}/${fourth}/reverse`);
  await change('finishGroupLiveMigration', 'LIVE_MIGRATION_FINISH_REQUESTED', `${path}/${fourth}/finish`);
  await committed({ failback: { state: 'CLOSED' } });
  assert.equal((await newest(plane))?.eventTypeName, 'LIVE_MIGRATION_FAILBACK_CLOSED');

  await change('deleteOrgLiveMigrationLinkTokens', 'LINKS_DELETED', `${org}/liveMigrations/linkTokens`);
  const made = await change('createGroup', 'GROUP_CREATED', '/api/atlas/v2/groups', { name: 'q', orgId: plane.orgId });
  const cluster = { name: 'C', connectionStrings: { standard: 'mongodb://u:canary@h/?replicaSet=r' } };
  const clusters = `/api/atlas/v2/groups/${made.id}/clusters`;
  await change('createGroupCluster', 'CLUSTER_CREATED', clusters, cluster);
  const { connectionStrings } = cluster;
  await change('updateGroupCluster', 'CLUSTER_UPDATED', `${clusters}/C`, { connectionStrings });
  await change('deleteGroupCluster', 'CLUSTER_DELETED', `${clusters}/C`);
  await change('updateGroup', 'GROUP_NAME_CHANGED', `/api/atlas/v2/groups/${made.id}`, { name: 'r' });
  await change('deleteGroup', 'GROUP_DELETED', `/api/atlas/v2/groups/${made.id}`);

  const mutations = operations.filter(({ method }) => method !== 'GET').map(({ operationId }) => operationId);
  assert.deepEqual([...done].sort(), mutations.sort());
  const outcome = await verifyAudit(plane.store);
  assert.ok('head' in outcome, JSON.stringify(outcome));
  assert.equal(outcome.head.sequence, (await newest(plane))?.sequence);
});

test('the events of an organization and of a project are listed in pages and filtered by type', async () => {
  await using plane = await startControlPlane();
  const { groupId } = await prepare(plane);
  const read = async (target: string) =>
    (await plane.api<Page<Record<string, unknown>>>('GET', `/api/atlas/v2${target}`)).json;
  const all = await read(`/orgs/${plane.orgId}/events?itemsPerPage=2`);
  assert.deepEqual(
    all.results.map(({ eventTypeName }) => eventTypeName),
    ['LINK_TOKEN_REDEEMED', 'LINK_TOKEN_CREATED'],
  );
  assert.equal(all.totalCount, 6);
  const ofGroup = await read(`/groups/${groupId}/events?eventType=GROUP_CREATED&eventType=CLUSTER_CREATED`);
  assert.equal(ofGroup.totalCount, 3);
  assert.match(
    ofGroup.links[0]?.href ?? '',
    /includeCount=true&eventType=GROUP_CREATED&eventType=CLUSTER_CREATED&pageNum=1/,
  );
  const [cluster] = ofGroup.results;
  assert.deepEqual([cluster?.publicKey, cluster?.remoteAddress], [plane.publicKey, '127.0.0.1']);
  const one = await plane.api('GET', `/api/atlas/v2/groups/${groupId}/events/${cluster?.id}`);
  assert.equal(one.json.id, cluster?.id);
  const other = await plane.api('GET', `/api/atlas/v2/groups/${groupId}/events/${all.results[0]?.id}`);
  assert.equal(other.json.errorCode, 'EVENT_NOT_FOUND');
});

test('events are found by what they are about, and an unknown kind of target is refused', async () => {
  await using plane = await startControlPlane({ rateLimits: false });
  const { agent, groupId, path } = await prepare(plane);
  const { json } = await plane.api('POST', path, { body: cliBody(groupId) });
  const id = String(json._id);
  await plane.api('PUT', `${path}/${id}/pause`);
  await agent.report({ migrations: [{ id, progress: progress(id, { state: 'PAUSED' }) }] });
  const names = async (query: string, place = `/orgs/${plane.orgId}`) => {
    const target = `/api/atlas/v2${place}/events?${query}`;
    const answer = await plane.api<Page<{ eventTypeName: string }>>('GET', target);
    const [self] = answer.json.links;
    assert.ok(self?.href.includes(query), `${self?.href} keeps ${query}`);
    return answer.json.results.map(({ eventTypeName }) => eventTypeName);
  };
  const ofMigration = ['LIVE_MIGRATION_WORKING', 'LIVE_MIGRATION_PAUSE_REQUESTED', 'LIVE_MIGRATION_CREATED'];
  for (const query of [`targetKind=MIGRATION&targetId=${id}`, `targetId=${id}`, 'targetKind=MIGRATION']) {
    assert.deepEqual(await names(query), ofMigration, query);
    assert.deepEqual(await names(query, `/groups/${groupId}`), ofMigration, query);
  }
  assert.deepEqual(await names(`targetKind=API_KEY&targetId=${id}`), []);
  assert.deepEqual(await names(`targetKind=API_KEY&targetId=${plane.publicKey}`), ['ORG_CREATED']);
  assert.deepEqual(await names(`targetKind=AGENT&targetId=${agent.agentId}`), ['LINK_TOKEN_REDEEMED']);
  const refused = await plane.api('GET', `/api/atlas/v2/orgs/${plane.orgId}/events?targetKind=toString`);
  assert.deepEqual([refused.status, refused.json.errorCode], [400, 'INVALID_QUERY_PARAMETER']);
});

test('a verification lets the server answer others between its batches', async () => {
  await using plane = await startControlPlane();
  const told = { eventTypeName: 'TOLD', orgId: plane.orgId };
  await plane.store.write(async (transaction) => {
    for (let n = 0; n < 500; n += 1) await audit(transaction, SYSTEM, n, told);
  });
  let turns = 0;
  const counting = new AbortController();
  const counted = (async () => {
    for (; !counting.signal.aborted; turns += 1) await turn();
  })();
  const { counts } = await verifyAudit(plane.store);
  counting.abort();
  await counted;
  assert.ok((counts.get(plane.orgId) ?? 0) > 500);
  assert.ok(turns >= 2, `${turns} turns`);
});

test('verifications that are requested at the same time read the records once', async () => {
  await using plane = await startControlPlane();
  const { control, orgId } = plane;
  const caller = await findAccount(control, plane.publicKey);
  assert.ok(caller);
  const actor = actorOf(caller.account, '127.0.0.1');
  const { find } = control.store;
  let begun = 0;
  Object.assign(control.store, {
    find: async (kind: 'auditRecords', where: Where<'auditRecords'>, window: Window<'auditRecords'>) => {
      if (JSON.stringify(where) === '{"sequence":{"gt":0}}') begun += 1;
      // Every request of this turn is under way before the first batch.
      await turn();
      return await find(kind, where, window);
    },
  });
  const verify = () => verifyEvents(controlFor(control, { ...caller, actor }), actor, orgId);
  const [first, second] = await Promise.all([verify(), verify()]);
  assert.deepEqual(first, second);
  assert.equal(begun, 1);
});
