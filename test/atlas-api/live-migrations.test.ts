import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Progress } from '../../src/contract/index.ts';
import { clustersOf } from '../../src/control/index.ts';
import { AnswerKey, wantedState } from '../../src/link/index.ts';
import { linkAgent, SOURCE_PROJECT } from '../gateway/agent-client.ts';
import { addOrganization, startControlPlane } from './control-plane.ts';
import { cliBody, DESTINATION, prepare, progress } from './migration-world.ts';

const V2023 = 'application/vnd.atlas.2023-01-01+json';
const V2024 = 'application/vnd.atlas.2024-05-30+json';

test('a migration runs from start to end: projects, validation, start, progress, cutover, completion', async () => {
  await using plane = await startControlPlane();
  const { agent, groupId, path } = await prepare(plane);

  const projects = await plane.api('GET', `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations/availableProjects`);
  assert.equal(projects.json.length, 1);
  assert.deepEqual((projects.json[0] as { migrationHosts: string[] }).migrationHosts, ['host-1']);

  const { revision } = wantedState.parse((await agent.poll(null)).json);
  // A poll waits for 60 s, so an agent that needs longer than this was not woken.
  const woken = agent.poll(revision, 60, AbortSignal.timeout(10_000));
  const validation = await plane.api('POST', `${path}/validate`, { body: cliBody(groupId) });
  assert.equal(validation.status, 200);
  assert.equal(validation.json.status, 'PENDING');
  const wanted = wantedState.parse((await woken).json);
  const [order] = wanted.validations;
  assert.deepEqual(order?.assignment, {
    source: {
      projectId: SOURCE_PROJECT,
      clusterName: 'source',
      username: 'reader',
      password: 'source-canary',
      ssl: false,
    },
    destination: { uri: DESTINATION },
    dropDestination: false,
    reversible: false,
    usersAndRoles: false,
  });
  await agent.report({ validations: [{ id: order.id, status: 'SUCCESS', errorMessage: null, findings: [] }] });
  const validated = await plane.api('GET', `${path}/validate/${validation.json._id}`);
  assert.deepEqual(validated.json, {
    _id: validation.json._id,
    errorMessage: null,
    groupId,
    linkspan: { findings: [] },
    sourceGroupId: SOURCE_PROJECT,
    status: 'SUCCESS',
  } as unknown);

  const created = await plane.api('POST', path, { body: cliBody(groupId) });
  assert.equal(created.status, 201);
  const id = String(created.json._id);
  const fresh = { _id: id, migrationHosts: ['host-1'], status: 'NEW' };
  const withoutExtension = ({ linkspan: _, ...atlas }: Record<string, unknown>) => atlas;
  assert.deepEqual(withoutExtension(created.json), fresh);
  const show = async () => withoutExtension((await plane.api('GET', `${path}/${id}`)).json);
  const report = (changes: Partial<Progress>) =>
    agent.report({ migrations: [{ id, progress: progress(id, changes) }] });

  const early = await plane.api('PUT', `${path}/${id}/cutover`);
  assert.equal(early.status, 409);
  assert.equal(early.json.errorCode, 'CUTOVER_NOT_READY');
  await report({});
  assert.deepEqual(await show(), { ...fresh, status: 'WORKING', lagTimeSeconds: 7, readyForCutover: false });
  const copying = await plane.api('PUT', `${path}/${id}/cutover`);
  assert.match(String(copying.json.detail), /is not ready for cutover: the initial sync is under way\.$/);
  await report({ state: 'FOLLOWING', readyForCutover: true, lagSeconds: 0, notReadyReasons: [] });
  assert.equal((await show()).readyForCutover, true);

  for (let times = 0; times < 2; times++) {
    const cutover = await plane.api('PUT', `${path}/${id}/cutover`, { headers: { accept: V2023 } });
    assert.equal(cutover.status, 202);
    assert.equal(cutover.text, '');
  }
  assert.deepEqual(await show(), { ...fresh, status: 'WORKING', readyForCutover: false });
  const [assigned] = wantedState.parse((await agent.poll(null)).json).migrations;
  assert.equal(assigned?.order.wanted, 'CUTOVER');
  await report({ state: 'COMMITTED', canWrite: true, lagSeconds: null });
  assert.deepEqual(await show(), { ...fresh, status: 'COMPLETE' });
  assert.deepEqual(wantedState.parse((await agent.poll(null)).json).migrations, []);
  const after = await plane.api('PUT', `${path}/${id}/cutover`);
  assert.equal(after.status, 409);
  assert.equal(after.json.errorCode, 'CUTOVER_AFTER_END');
});

test('a failed migration keeps its reason, and a failed validation lists all findings', async () => {
  await using plane = await startControlPlane();
  const { agent, groupId, path } = await prepare(plane);
  const id = String((await plane.api('POST', path, { body: cliBody(groupId) })).json._id);
  const error = { code: 'HISTORY_LOST', message: 'The oplog is gone.', remedy: 'Enlarge it.' };
  await agent.report({ migrations: [{ id, progress: progress(id, { state: 'FAILED', error }) }] });
  const failed = (await plane.api('GET', `${path}/${id}`)).json;
  assert.equal(failed.status, 'FAILED');
  assert.equal(failed.errorMessage, 'The oplog is gone. Enlarge it.');
  const validation = (await plane.api('POST', `${path}/validate`, { body: cliBody(groupId) })).json._id;
  const disk = { severity: 'ERROR', code: 'DISK_TOO_SMALL', message: 'no disk', remedy: 'enlarge it' };
  const index = { severity: 'WARNING', code: 'INDEX_MODERNISED', message: 'odd', remedy: 'nothing', namespace: 'a.b' };
  await agent.report({
    validations: [{ id: validation, status: 'FAILED', errorMessage: 'no such user; no disk', findings: [disk, index] }],
  });
  const seen = (await plane.api('GET', `${path}/validate/${validation}`)).json;
  assert.deepEqual([seen.status, seen.errorMessage], ['FAILED', 'no such user; no disk']);
  assert.deepEqual(seen.linkspan, {
    findings: [disk, index],
  });
});

test('both versions of the request are accepted, each with its own attribute that permits dropping', async () => {
  await using plane = await startControlPlane();
  const { agent, groupId, path } = await prepare(plane);
  const { dropDestinationData: _, ...older } = cliBody(groupId);
  const send = (body: object, headers: Record<string, string>, at = path) =>
    plane.api('POST', `${at}/validate`, { body, headers });
  const v1 = path.replace('/v2/', '/v1.0/');
  assert.equal((await send({ ...older, dropEnabled: true }, { accept: V2023, 'content-type': V2023 })).status, 200);
  assert.equal((await send({ ...older, dropEnabled: true }, { accept: 'application/json' }, v1)).status, 200);
  assert.equal(
    (await send({ ...older, dropDestinationData: true }, { accept: V2024, 'content-type': V2024 })).status,
    200,
  );
  assert.equal(
    (await send({ ...older, dropDestinationData: true }, { accept: V2024, 'content-type': 'application/json' })).status,
    200,
  );
  const missing = await send(older, { accept: V2023, 'content-type': V2023 });
  assert.equal(missing.json.detail, 'The required attribute dropEnabled was not specified.');
  const mixed = await send({ ...older, dropEnabled: true }, { accept: V2024 });
  assert.equal(mixed.json.detail, 'Invalid attribute dropEnabled specified.');
  const { validations } = wantedState.parse((await agent.poll(null)).json);
  assert.deepEqual(
    validations.map(({ assignment }) => assignment.dropDestination),
    [true, true, true, true],
  );
});

test("with managedAuthentication the agent's own credentials are used, and others are refused", async () => {
  await using plane = await startControlPlane();
  const { agent, groupId, path } = await prepare(plane);
  const managed = { managedAuthentication: true, username: '', password: '' };
  assert.equal((await plane.api('POST', path, { body: cliBody(groupId, { source: managed }) })).status, 201);
  const [migration] = wantedState.parse((await agent.poll(null)).json).migrations;
  assert.deepEqual(migration?.assignment.source, { projectId: SOURCE_PROJECT, clusterName: 'source', ssl: false });
  const both = await plane.api('POST', path, { body: cliBody(groupId, { source: { managedAuthentication: true } }) });
  assert.match(String(both.json.detail), /username and password must not be given with managedAuthentication/);
});

test('a listener between agent and control plane sees no secret of an order', async () => {
  await using plane = await startControlPlane();
  const { agent, groupId, path } = await prepare(plane);
  await plane.api('POST', path, { body: cliBody(groupId) });
  const key = new AnswerKey();
  const { text, json } = await agent.send('poll', { revision: null, waitSeconds: 0, answerKey: key.publicKey });
  const opened = key.open(String(json.sealed));
  for (const secret of ['destination-canary', 'source-canary']) {
    assert.ok(opened.includes(secret));
    assert.ok(!text.includes(secret) && !Buffer.from(String(json.sealed), 'base64url').includes(secret));
  }
});

test('a wrong name in a request is repeated in the error that fits it', async () => {
  await using plane = await startControlPlane();
  const { groupId, path } = await prepare(plane);
  const other = '9'.repeat(24);
  const cases: [Parameters<typeof cliBody>[1], number, string][] = [
    [{ migrationHosts: ['host-9'] }, 404, 'MIGRATION_HOST_NOT_FOUND'],
    [{ migrationHosts: [] }, 400, 'VALIDATION_ERROR'],
    [{ migrationHosts: ['host-1', 'host-2'] }, 400, 'VALIDATION_ERROR'],
    [{ source: { groupId: other } }, 404, 'SOURCE_PROJECT_NOT_FOUND'],
    [{ source: { clusterName: 'nothing' } }, 404, 'SOURCE_CLUSTER_NOT_FOUND'],
    [{ source: { ssl: 'yes' } }, 400, 'INVALID_JSON_ATTRIBUTE'],
    [{ source: { ssl: undefined } }, 400, 'MISSING_ATTRIBUTE'],
    [{ destination: { clusterName: 'nothing' } }, 404, 'CLUSTER_NOT_FOUND'],
    [{ destination: { groupId: other } }, 400, 'GROUP_MISMATCH'],
    [{ destination: { hostnameSchemaType: 'TELEPATHY' } }, 400, 'INVALID_ENUM_VALUE'],
    [{ sharding: { createSupportingIndexes: true, shardingEntries: [] } }, 400, 'VALIDATION_ERROR'],
    [{ surprise: 1 }, 400, 'INVALID_ATTRIBUTE'],
  ];
  for (const [changes, status, errorCode] of cases) {
    for (const at of [path, `${path}/validate`]) {
      const response = await plane.api('POST', at, { body: cliBody(groupId, changes) });
      assert.equal(response.json.errorCode, errorCode, JSON.stringify(changes));
      assert.equal(response.status, status);
    }
  }
  assert.equal((await plane.api('GET', `${path}/${other}`)).json.errorCode, 'LIVE_MIGRATION_NOT_FOUND');
  assert.equal((await plane.api('GET', `${path}/xyz`)).json.errorCode, 'INVALID_PATH_PARAMETER');
  assert.equal((await plane.api('GET', `${path}/validate/${other}`)).json.errorCode, 'VALIDATION_NOT_FOUND');
});

test('one source cluster and one destination cluster have one migration at a time', async () => {
  await using plane = await startControlPlane();
  const { agent, groupId, path } = await prepare(plane);
  const start = (clusterName: string) =>
    plane.api('POST', path, { body: cliBody(groupId, { destination: { clusterName } }) });
  const id = String((await start('C1')).json._id);
  const sameDestination = await start('C1');
  assert.equal(sameDestination.status, 409);
  assert.equal(sameDestination.json.errorCode, 'CANNOT_MODIFY_CLUSTER_WITH_RUNNING_LIVE_IMPORT');
  const sameSource = await start('C2');
  assert.equal(sameSource.status, 409);
  assert.equal(sameSource.json.errorCode, 'SOURCE_CLUSTER_ALREADY_MIGRATING');
  await agent.report({ migrations: [{ id, progress: progress(id, { state: 'CANCELLED' }) }] });
  assert.equal((await start('C1')).status, 201);
});

test('links are not deleted while a migration is active, and nothing changes then', async () => {
  await using plane = await startControlPlane();
  const { agent, groupId, path } = await prepare(plane);
  await plane.api('POST', path, { body: cliBody(groupId) });
  const refused = await plane.api('DELETE', `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations/linkTokens`);
  assert.equal(refused.status, 409);
  assert.deepEqual(refused.json, {
    detail: `Cannot delete organization link while there is active migration in following project ids: ${groupId}`,
    error: 409,
    errorCode: 'CANNOT_DELETE_ORG_ACTIVE_LIVE_MIGRATION_ATLAS_ORG_LINK',
    parameters: [groupId],
    reason: 'Conflict',
  } as unknown);
  assert.equal((await agent.poll(null)).status, 200);
});

test('members of its organization can read a migration, only owners can change it, and strangers can do neither', async () => {
  await using plane = await startControlPlane();
  const { groupId, path } = await prepare(plane);
  const id = (await plane.api('POST', path, { body: cliBody(groupId) })).json._id;
  const member = await addOrganization(plane, plane.orgId, ['ORG_MEMBER']);
  const stranger = await addOrganization(plane, '8'.repeat(24), ['ORG_OWNER']);
  assert.equal((await plane.api('GET', `${path}/${id}`, { user: member })).status, 200);
  for (const [method, at, body] of [
    ['PUT', `${path}/${id}/cutover`, undefined],
    ['POST', path, cliBody(groupId)],
    ['POST', `${path}/validate`, cliBody(groupId)],
  ] as const) {
    assert.equal((await plane.api(method, at, { user: member, body })).json.errorCode, 'NOT_ORG_OWNER');
    assert.equal((await plane.api(method, at, { user: stranger, body })).json.errorCode, 'USER_CANNOT_ACCESS_GROUP');
  }
  assert.equal((await plane.api('GET', `${path}/${id}`, { user: stranger })).status, 401);
});

test('a report of another agent about a migration is ignored', async () => {
  await using plane = await startControlPlane();
  const { groupId, path } = await prepare(plane);
  const id = String((await plane.api('POST', path, { body: cliBody(groupId) })).json._id);
  const impostor = await linkAgent(plane, 'host-2');
  await impostor.report({ migrations: [{ id, progress: progress(id, { state: 'COMMITTED' }) }] });
  assert.equal((await plane.api('GET', `${path}/${id}`)).json.status, 'NEW');
});

test('passwords are shown in no answer, and not kept in the clear or after the end', async () => {
  await using plane = await startControlPlane();
  const { agent, groupId, path } = await prepare(plane);
  const created = await plane.api('POST', path, { body: cliBody(groupId) });
  const id = String(created.json._id);
  const kept = JSON.stringify([await plane.store.get('migrations', id), await clustersOf(plane.store, groupId)]);
  for (const text of [created.text, kept, (await plane.api('GET', `${path}/${id}`)).text])
    assert.ok(!text.includes('canary'));
  await agent.report({ migrations: [{ id, progress: progress(id, { state: 'FAILED' }) }] });
  assert.equal((await plane.store.get('migrations', id))?.password, null);
});
