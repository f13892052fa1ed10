import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestAccessToken } from '../support/access-token.ts';
import { startControlPlane } from './control-plane.ts';
import { FakeClock } from './fake-clock.ts';

test('an owner whose last secret has expired still changes what removes no owner, and does not remove itself', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const request = { name: 'n', description: '', roles: ['ORG_OWNER'], secretExpiresAfterHours: 8 };
  const made = await plane.api('POST', '/api/atlas/v2/orgs', { body: { name: 'second', serviceAccount: request } });
  const { organization, serviceAccount } = made.json as unknown as {
    organization: { id: string };
    serviceAccount: { clientId: string; secrets: { id: string; secret: string }[] };
  };
  const path = `/api/atlas/v2/orgs/${organization.id}`;
  const { clientId, secrets } = serviceAccount;
  clock.nowMs += 7.5 * 3_600_000;
  const answer = await requestAccessToken(plane.url, `${clientId}:${secrets[0]?.secret}`);
  const { access_token: token } = (await answer.json()) as { access_token: string };
  const authorization = `Bearer ${token}`;
  const ask = async (method: string, target: string, body?: object) =>
    await plane.api(method, `${path}/${target}`, { headers: { authorization }, body });
  const member = (await ask('POST', 'apiKeys', { desc: 'd', roles: ['ORG_MEMBER'] })).json;
  clock.nowMs += 0.5 * 3_600_000;

  const own = `serviceAccounts/${clientId}`;
  for (const [method, body] of [['DELETE'], ['PATCH', { roles: ['ORG_MEMBER'] }]] as const) {
    const answer = await ask(method, own, body);
    assert.equal(
      answer.json.errorCode,
      'CANNOT_REMOVE_LAST_ORG_OWNER',
      `${method}: its token could still add a secret`,
    );
  }
  for (const [method, target, body] of [
    ['PATCH', own, { description: 'e' }],
    ['PATCH', `apiKeys/${member.id}`, { desc: 'e' }],
    ['DELETE', `apiKeys/${member.id}`],
    ['DELETE', `${own}/secrets/${secrets[0]?.id}`],
  ] as const) {
    const { status, text } = await ask(method, target, body);
    assert.ok(status < 300, `${method} ${target}: ${text}`);
  }
});
