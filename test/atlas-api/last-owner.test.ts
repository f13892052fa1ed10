import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serveSamples } from '../../src/cli/run/serve-metrics.ts';
import { accountsOf, bootstrap, findAuditRecords, keepWarningOfExpiry } from '../../src/control/index.ts';
import { newId } from '../../src/platform/index.ts';
import { keptLog } from '../control/audit/kept-log.ts';
import { requestAccessToken } from '../support/access-token.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
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

const HOUR_MS = 3_600_000;

/** Creates an organization whose only owner is a service account with one secret. */
async function organizationOf(plane: ControlPlane, secretExpiresAfterHours: number) {
  const serviceAccount = { name: 'n', description: '', roles: ['ORG_OWNER'], secretExpiresAfterHours };
  const made = await plane.api('POST', '/api/atlas/v2/orgs', { body: { name: 'second', serviceAccount } });
  return (made.json as unknown as { organization: { id: string } }).organization.id;
}

/** Looks once, as a server does every few minutes. */
async function look({ control }: ControlPlane, log: ReturnType<typeof keptLog>): Promise<void> {
  const stop = new AbortController();
  const ended = keepWarningOfExpiry(control, log.logger, stop.signal);
  stop.abort();
  await ended;
}

// id: owners-warned
test('owners are warned once 7 days, a day and at the end before their last secret expires, and again about a new one', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const orgId = await organizationOf(plane, 200);
  const expiresAt = new Date(clock.nowMs + 200 * HOUR_MS).toISOString();
  const log = keptLog();
  const told = async () => {
    await look(plane, log);
    await look(plane, log);
    const records = await findAuditRecords(
      plane.store,
      { orgId, eventTypeNames: ['ORG_OWNERS_EXPIRING'] },
      { limit: 10 },
    );
    const logged = log.lines.filter(({ event }) => event === 'organization.owners_expiring');
    assert.equal(logged.length, records.length);
    return records.toReversed().map(({ details }) => [details.expiresAt, details.hoursLeft]);
  };
  const week = [expiresAt, 168];
  const day = [expiresAt, 24];
  assert.deepEqual(await told(), []);
  clock.nowMs += 32 * HOUR_MS;
  assert.deepEqual(await told(), [week]);
  clock.nowMs += 144 * HOUR_MS;
  assert.deepEqual(await told(), [week, day]);
  clock.nowMs += 24 * HOUR_MS;
  assert.deepEqual(await told(), [week, day, [expiresAt, 0]]);
  const { samples } = await serveSamples(plane.store, clock.nowMs);
  const expiries = samples.filter(({ name }) => name === 'linkspan_owners_expiry_timestamp_seconds');
  assert.deepEqual(
    expiries.map(({ labels, value }) => [labels, value]),
    [[{ organization: orgId }, clock.nowMs / 1_000]],
    'the first organization has an API key that owns it',
  );
  const next = await organizationOf(plane, 8);
  await look(plane, log);
  assert.equal(log.lines.at(-1)?.orgId, next);
});

test('owners without an access list do not count where one is required', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const orgId = await organizationOf(plane, 8);
  const key = { description: 'd', roles: ['ORG_OWNER'] as const, id: newId(clock.nowMs) };
  await plane.store.write(async (transaction) => {
    const [organization, [other]] = [
      await transaction.get('organizations', orgId),
      await accountsOf(transaction, plane.orgId, 'API_KEY'),
    ];
    const [account] = await accountsOf(transaction, orgId, 'SERVICE_ACCOUNT');
    assert.ok(organization && other && account);
    await transaction.insert('accounts', { ...other, ...key, name: 'unlisted', orgId, accessList: [] });
    await transaction.update('accounts', { ...account, accessList: [{ address: '127.0.0.1', createdAtMs: 0 }] });
    await transaction.update('organizations', { ...organization, accessListRequired: true });
  });
  const log = keptLog();
  await look(plane, log);
  assert.equal(log.lines.at(-1)?.orgId, orgId, 'no one could use the key');
});

// id: expired-owners-enter-again
test('who can start the server enters an organization again whose owners have all expired, and that requires access lists', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const orgId = await organizationOf(plane, 8);
  await plane.store.write(async (transaction) => {
    const organization = await transaction.get('organizations', orgId);
    assert.ok(organization);
    await transaction.update('organizations', { ...organization, accessListRequired: true });
  });
  clock.nowMs += 9 * HOUR_MS;
  const account = { clientId: `mdb_sa_id_${'0b'.repeat(12)}`, secret: 'a_secret_of_this_test_that_is_long_enough_0' };
  const bootstrapping = { orgId, accessList: ['127.0.0.1'], serviceAccount: account };
  for (let starts = 0; starts < 2; starts += 1) assert.equal(await bootstrap(plane.control, bootstrapping), null);
  const answer = await requestAccessToken(plane.url, `${account.clientId}:${account.secret}`);
  const { access_token: token } = (await answer.json()) as { access_token: string };
  const made = await plane.api('POST', `/api/atlas/v2/orgs/${orgId}/apiKeys`, {
    headers: { authorization: `Bearer ${token}` },
    body: { desc: 'd', roles: ['ORG_OWNER'] },
  });
  assert.equal(made.status, 200, made.text);
  const removed = await plane.api('DELETE', `/api/atlas/v2/orgs/${orgId}/serviceAccounts/${account.clientId}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  assert.equal(removed.json.errorCode, 'CANNOT_REMOVE_LAST_ORG_OWNER', 'the key has no access list yet');
  await assert.rejects(bootstrap(plane.control, { ...bootstrapping, accessList: ['127.0.0.2'] }), {
    code: 'BOOTSTRAP_MISMATCH',
  });
});
