import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addOrganization, startControlPlane } from './control-plane.ts';
import { cliBody, DESTINATION, prepare } from './migration-world.ts';

const OTHER = 'mongodb://mover:pw@thief:27017/?replicaSet=rs';

/** A project and its cluster manager, with the requests of both. */
async function setUp() {
  const plane = await startControlPlane();
  const { path, groupId, agent } = await prepare(plane);
  const manager = await addOrganization(
    plane,
    plane.orgId,
    ['ORG_MEMBER'],
    [],
    [{ groupId, roleName: 'GROUP_CLUSTER_MANAGER' }],
  );
  const cluster = `/api/atlas/v2/groups/${groupId}/clusters/C1`;
  const redirect = async (standard: string) => {
    const answer = await plane.api('PATCH', cluster, { user: manager, body: { connectionStrings: { standard } } });
    return answer.status;
  };
  const validate = async () =>
    String((await plane.api('POST', `${path}/validate`, { body: cliBody(groupId) })).json._id);
  const succeed = (id: string) =>
    agent.report({ validations: [{ id, status: 'SUCCESS', errorMessage: null, findings: [] }] });
  const create = async () => {
    const { status, json } = await plane.api('POST', path, { body: cliBody(groupId) });
    return status === 201 ? 'created' : json.errorCode;
  };
  return { plane, groupId, path, agent, cluster, redirect, validate, succeed, create };
}

// id: redirected-after-validation
test('a destination that a cluster manager redirects after its validation accepts no migration until it is validated again', async () => {
  const { plane, redirect, validate, succeed, create } = await setUp();
  await using _plane = plane;
  await succeed(await validate());
  assert.equal(await redirect(OTHER), 200);
  assert.equal(await create(), 'DESTINATION_CHANGED');
  await succeed(await validate());
  assert.equal(await create(), 'created');
  assert.equal(await redirect(DESTINATION), 409, 'refused as soon as the migration exists');
});

test('an option that weakens the connection, and a cluster that was deleted and registered again, count as changes', async () => {
  const { plane, groupId, redirect, validate, succeed, create, cluster } = await setUp();
  await using _plane = plane;
  await succeed(await validate());
  for (const changed of [
    `${DESTINATION}&tls=false`,
    DESTINATION.replace('d1:27017', 'd1:27018'),
    DESTINATION.replace('d1:27017', 'd1:27017,d2'),
    DESTINATION.replace('rs', 'other'),
  ]) {
    assert.equal(await redirect(changed), 200, changed);
    assert.equal(await create(), 'DESTINATION_CHANGED', changed);
  }
  await plane.api('DELETE', cluster);
  const body = { name: 'C1', connectionStrings: { standard: OTHER } };
  assert.equal((await plane.api('POST', `/api/atlas/v2/groups/${groupId}/clusters`, { body })).status, 201);
  assert.equal(await create(), 'DESTINATION_CHANGED');
});

test('another password or user at the same address changes nothing, and no validation means nothing to compare', async () => {
  const { plane, redirect, validate, succeed, create } = await setUp();
  await using _plane = plane;
  await succeed(await validate());
  assert.equal(await redirect('mongodb://other:new@D1/?REPLICASET=rs&authSource=admin'), 200);
  assert.equal(await create(), 'created');
});

test('a validation fails when the address changes while it runs, so its result is never about another cluster', async () => {
  const { plane, path, redirect, validate, succeed, create } = await setUp();
  await using _plane = plane;
  await succeed(await validate());
  const pending = await validate();
  assert.equal(await redirect(OTHER), 200);
  await succeed(pending);
  const { json } = await plane.api('GET', `${path}/validate/${pending}`);
  assert.deepEqual([json.status, /address .* was changed/.test(String(json.errorMessage))], ['FAILED', true]);
  assert.equal(await create(), 'DESTINATION_CHANGED', 'the earlier validation counts');
  const { json: events } = await plane.api('GET', `/api/atlas/v2/orgs/${plane.orgId}/events?eventType=CLUSTER_UPDATED`);
  const [event] = (events as unknown as { results: { linkspan: { details: Record<string, unknown> } }[] }).results;
  const { addressChanged, hosts } = event?.linkspan.details ?? {};
  assert.deepEqual([addressChanged, hosts], [true, ['thief:27017']]);
});
