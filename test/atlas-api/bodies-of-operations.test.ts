import assert from 'node:assert/strict';
import { test } from 'node:test';
import { operations } from '../../src/atlas-api/operations.ts';
import { startControlPlane } from './control-plane.ts';

// id: role-before-body
test('every operation with a body names the role that it needs, so that the role is looked at before the body', () => {
  const silent = operations.filter(
    ({ versions, role }) => role === undefined && versions.some(({ body }) => body !== undefined),
  );
  assert.deepEqual(
    silent.map(({ operationId }) => operationId),
    [],
  );
});

test('a sender without the role is refused whatever its body says, and a body above 64 KiB is not read', async () => {
  await using plane = await startControlPlane();
  const path = `/api/atlas/v2/orgs/${plane.orgId}/apiKeys`;
  const reader = (await plane.api('POST', path, { body: { desc: 'reader', roles: ['ORG_READ_ONLY'] } })).json;
  const user = [String(reader.publicKey), String(reader.privateKey)] as const;
  const refused = await plane.api('POST', path, { user, body: { nonsense: 'x'.repeat(10_000) } });
  assert.deepEqual([refused.status, refused.json.errorCode], [401, 'NOT_ORG_OWNER']);
  const large = await plane.api('POST', path, { body: { desc: 'x'.repeat(70_000), roles: ['ORG_READ_ONLY'] } });
  assert.deepEqual([large.status, large.json.errorCode], [413, 'PAYLOAD_TOO_LARGE']);
});
