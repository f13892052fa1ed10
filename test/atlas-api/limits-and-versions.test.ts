import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { addOrganization, startControlPlane } from './control-plane.ts';
import { FakeClock } from './fake-clock.ts';
import { start } from './started-migration.ts';

const V2023 = { accept: 'application/vnd.atlas.2023-01-01+json' };
const V2024 = { accept: 'application/vnd.atlas.2024-05-30+json' };

test("every authenticated answer has the rest of Atlas's rate limit for its resource; the challenge has none", async () => {
  await using plane = await startControlPlane({ clock: new FakeClock() });
  const tokens = `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations/linkTokens`;
  const limits = async (method: string, path: string, body?: object) => {
    const { headers } = await plane.api(method, path, { body });
    return ['ratelimit-limit', 'ratelimit-remaining'].map((name) => headers.get(name));
  };
  assert.deepEqual(await limits('POST', tokens, {}), ['500', '499']);
  assert.deepEqual(await limits('DELETE', tokens), ['500', '498']);
  assert.deepEqual(await limits('DELETE', tokens), ['500', '497'], 'an error too');
  assert.deepEqual(await limits('DELETE', tokens.replace('/v2/', '/v1.0/')), ['500', '496']);
  assert.deepEqual(await limits('GET', '/api/atlas/v2/orgs'), ['300', '299']);
  const group = 'a'.repeat(24);
  assert.deepEqual(await limits('GET', `/api/atlas/v2/groups/${group}/liveMigrations/${group}`), ['1200', '1199']);
  assert.deepEqual(await limits('GET', `/api/atlas/v2/groups/${group}/clusters`), ['10000', '9999']);
  const challenge = await fetch(plane.url + tokens);
  assert.equal(challenge.status, 401);
  assert.equal(challenge.headers.get('ratelimit-limit'), null);
});

test('a caller beyond its rate limit gets the time of its next request, and does not use the limit of others', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const stranger = await addOrganization(plane, 'f'.repeat(24), ['ORG_OWNER']);
  const path = `/api/atlas/v2/orgs/${plane.orgId}`;
  const drain = async (user: readonly [string, string]) => {
    for (let at = 0; at < 10; at += 1) {
      await Promise.all(Array.from({ length: 50 }, () => plane.api('GET', path, { user })));
    }
  };
  await drain(stranger);
  assert.equal((await plane.api('GET', path, { user: stranger })).status, 429);
  assert.equal((await plane.api('GET', path)).headers.get('ratelimit-remaining'), '499');
  await drain([plane.publicKey, plane.privateKey]);
  const refused = await plane.api('GET', path);
  assert.equal(refused.status, 429);
  assert.equal(refused.headers.get('retry-after'), '1');
  assert.equal(refused.headers.get('ratelimit-remaining'), '0');
  assert.equal(refused.headers.get('x-error-code'), 'RATE_LIMITED_TOKEN_BUCKET');
  assert.deepEqual(refused.json, {
    detail: `Rate limit exceeded for ${path}. Please retry after 1 seconds. Request capacity: 500. Refill rate: 250 per 60 seconds.`,
    error: 429,
    errorCode: 'RATE_LIMITED_TOKEN_BUCKET',
    parameters: [path, '1', '500', '250', '60'],
    reason: 'Too Many Requests',
  } as unknown);
  clock.nowMs += 1000;
  assert.equal((await plane.api('GET', path)).status, 200);
});

test('changes of a migration have a reserve when polling has left no room', async () => {
  await using plane = await startControlPlane({ clock: new FakeClock() });
  const { path, id } = await start(plane);
  const poll = async () => (await plane.api('GET', `${path}/${id}`)).status;
  for (let at = 0; at < 24; at += 1) await Promise.all(Array.from({ length: 50 }, poll));
  assert.equal(await poll(), 429);
  const pauses = await Promise.all(Array.from({ length: 60 }, () => plane.api('PUT', `${path}/${id}/pause`)));
  assert.ok(pauses.every(({ status }) => status === 202));
  assert.equal((await plane.api('PUT', `${path}/${id}/pause`)).status, 429);
  assert.equal(await poll(), 429, 'the reserve is for changes');
});

// id: refusals-in-a-loop
test('of requests beyond the limit in a loop 100 are refused at once and further ones wait, while others and changes are served', async () => {
  const { promise, resolve: endSleeps } = Promise.withResolvers<void>();
  await using plane = await startControlPlane({ clock: Object.assign(new FakeClock(), { sleep: () => promise }) });
  const stranger = await addOrganization(plane, 'f'.repeat(24), ['ORG_OWNER']);
  const { path, id } = await start(plane);
  let refusals = 0;
  const poll = async () => {
    if ((await plane.api('GET', `${path}/${id}`)).status === 429) refusals += 1;
  };
  for (let at = 0; at < 24; at += 1) await Promise.all(Array.from({ length: 50 }, poll));
  const polls = Promise.all(Array.from({ length: 130 }, poll));
  await eventually(() => refusals === 100, { what: '100 refusals' });
  assert.equal((await plane.api('PUT', `${path}/${id}/pause`)).status, 202);
  assert.equal((await plane.api('GET', '/api/atlas/v2/orgs', { user: stranger })).status, 200);
  assert.equal(refusals, 100);
  endSleeps();
  await polls;
  assert.ok(refusals >= 130);
});

test('rate limits can be switched off, and then no header mentions them', async () => {
  await using plane = await startControlPlane({ rateLimits: false });
  assert.equal((await plane.api('GET', '/api/atlas/v2/orgs')).headers.get('ratelimit-limit'), null);
});

test('the superseded versions of validate and liveMigrations announce their end as recorded, and nothing else does', async () => {
  await using plane = await startControlPlane({ clock: new FakeClock() });
  const group = await plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'p', orgId: plane.orgId } });
  const path = `/api/atlas/v2/groups/${group.json.id}/liveMigrations`;
  for (const at of [path, `${path}/validate`]) {
    const old = await plane.api('POST', at, { headers: V2023, body: {} });
    assert.equal(old.headers.get('deprecation'), 'Thu, 30 May 2024 00:00:00 GMT');
    assert.equal(old.headers.get('sunset'), 'Thu, 1 Jul 2027 00:00:00 GMT');
    const current = await plane.api('POST', at, { headers: V2024, body: {} });
    assert.equal(current.headers.get('deprecation') ?? current.headers.get('sunset'), null);
    const v1 = await plane.api('POST', at.replace('/v2/', '/v1.0/'), { body: {} });
    assert.equal(v1.headers.get('sunset'), null);
  }
  assert.equal((await plane.api('GET', '/api/atlas/v2/orgs', { headers: V2023 })).headers.get('sunset'), null);
});

test('after its sunset a version gets the error of Atlas, while newer ones and v1.0 still work', async () => {
  const clock = new FakeClock();
  clock.nowMs = Date.parse('2027-07-01T00:00:00Z');
  await using plane = await startControlPlane({ clock });
  const group = await plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'p', orgId: plane.orgId } });
  const path = `/api/atlas/v2/groups/${group.json.id}/liveMigrations`;
  const gone = await plane.api('POST', path, { headers: V2023, body: {} });
  assert.equal(gone.status, 410);
  assert.equal(gone.json.errorCode, 'VERSION_GONE');
  assert.equal(gone.json.detail, `Version 2023-01-01 of ${path.slice(1)} is no longer available.`);
  assert.deepEqual(gone.json.parameters, ['2023-01-01', path.slice(1)]);
  assert.equal((await plane.api('POST', path, { headers: V2024, body: {} })).json.errorCode, 'MISSING_ATTRIBUTE');
  const v1 = await plane.api('POST', path.replace('/v2/', '/v1.0/'), { body: {} });
  assert.equal(v1.json.errorCode, 'MISSING_ATTRIBUTE');
  assert.equal((await plane.api('GET', '/api/atlas/v2/orgs', { headers: V2023 })).status, 200);
});

test('a date after all versions gets the newest version, which the answer names; a date before all is refused', async () => {
  await using plane = await startControlPlane();
  const answer = (accept: string) => plane.api('GET', '/api/atlas/v2/orgs', { headers: { accept } });
  const newer = await answer('application/vnd.atlas.2099-12-31+json');
  assert.equal(newer.headers.get('content-type'), 'application/vnd.atlas.2023-01-01+json;charset=utf-8');
  assert.equal((await answer('application/vnd.atlas.2022-12-31+json')).status, 406);
  assert.equal((await answer('application/vnd.atlas.preview+json')).status, 406);
});
