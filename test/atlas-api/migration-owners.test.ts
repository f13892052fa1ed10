import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addOrganization, startControlPlane } from './control-plane.ts';
import { start } from './started-migration.ts';

test('only owners can steer a migration', async () => {
  await using plane = await startControlPlane();
  const { path, id } = await start(plane);
  const member = await addOrganization(plane, plane.orgId, ['ORG_MEMBER']);
  for (const [wish, body] of [
    ['pause', undefined],
    ['resume', undefined],
    ['cancel', { dropCopiedData: false }],
    ['loadLevel', { loadLevel: 1 }],
    ['confirmDrops', undefined],
    ['cutoverWindow', { hours: 1 }],
    ['abortCutover', undefined],
    ['rehearseCutover', undefined],
  ] as const) {
    const answer = await plane.api('PUT', `${path}/${id}/${wish}`, { user: member, body });
    assert.equal(answer.json.errorCode, 'NOT_ORG_OWNER', wish);
  }
});
