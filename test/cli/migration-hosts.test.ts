import assert from 'node:assert/strict';
import { test } from 'node:test';
import { migrationText } from '../../src/cli/administration/migration-text.ts';
import { startTwoHosts } from '../atlas-api/two-hosts.ts';

test('the description of a migration says which host stands by, why it is not ready, and from which one it was taken over', async () => {
  await using hosts = await startTwoHosts();
  await hosts.passHeard(10_000, 'UNREAD');
  assert.match(migrationText(await hosts.show()), /^standby +standby: NOT_READY, it cannot read both clusters$/m);
  await hosts.passHeard(20_000);
  const before = migrationText(await hosts.show());
  assert.match(before, /^standby +standby: READY$/m);
  assert.doesNotMatch(before, /taken over/);
  await hosts.passSilent(30_000);
  const after = migrationText(await hosts.show());
  assert.match(after, /^taken over +from leader at 2026-/m);
  assert.match(after, /^standby +leader: LOST$/m);
});
