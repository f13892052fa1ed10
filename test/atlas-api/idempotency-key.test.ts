import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startControlPlane } from './control-plane.ts';
import { cliBody, prepare } from './migration-world.ts';

test('a repeated request with an Idempotency-Key returns the first migration, also after its end, and creates none', async () => {
  await using plane = await startControlPlane();
  const { groupId, path } = await prepare(plane);
  const body = cliBody(groupId, { linkspan: { labels: { team: 'payments' } } });
  const create = (key: string, sent: object = body) =>
    plane.api('POST', path, { body: sent, headers: { 'idempotency-key': key } });
  const [one, other] = await Promise.all([create('job-1'), create('job-1')]);
  assert.deepEqual([one.status, other.status, other.json._id], [201, 201, one.json._id]);

  await plane.api('PUT', `${path}/${one.json._id}/cancel`, { body: { dropCopiedData: false } });
  const later = await create('job-1');
  assert.deepEqual([later.status, later.json._id, later.json.status], [201, one.json._id, 'FAILED']);
  assert.equal((await plane.store.find('migrations', { groupId })).length, 1);

  const another = await create('job-1', cliBody(groupId, { destination: { clusterName: 'C2' } }));
  assert.deepEqual([another.status, another.json.errorCode], [409, 'IDEMPOTENCY_KEY_REUSED']);
  assert.match(String(another.json.detail), new RegExp(String(one.json._id)));
  const next = await create('job-2');
  assert.equal(next.status, 201);
  assert.notEqual(next.json._id, one.json._id);
});

test('an Idempotency-Key belongs to its project, and one of another form is refused', async () => {
  await using plane = await startControlPlane();
  const { groupId, path } = await prepare(plane);
  const headers = { 'idempotency-key': 'job-1' };
  const first = await plane.api('POST', path, { body: cliBody(groupId), headers });
  const group = await plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'q', orgId: plane.orgId } });
  const otherId = String(group.json.id);
  const others = `/api/atlas/v2/groups/${otherId}`;
  await plane.api('PUT', `${path}/${first.json._id}/cancel`, { body: { dropCopiedData: false } });
  const standard = 'mongodb://mover:destination-canary@d2:27017/?replicaSet=rs';
  await plane.api('POST', `${others}/clusters`, { body: { name: 'C1', connectionStrings: { standard } } });
  const second = await plane.api('POST', `${others}/liveMigrations`, { body: cliBody(otherId), headers });
  assert.equal(second.status, 201);
  assert.notEqual(second.json._id, first.json._id);
  for (const key of ['', 'with space', 'x'.repeat(256)]) {
    const refused = await plane.api('POST', path, { body: cliBody(groupId), headers: { 'idempotency-key': key } });
    assert.deepEqual([refused.status, refused.json.errorCode], [400, 'INVALID_IDEMPOTENCY_KEY'], key.slice(0, 20));
  }
});
