import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Page, startControlPlane } from './control-plane.ts';
import { FakeClock } from './fake-clock.ts';
import { cliBody, prepare } from './migration-world.ts';

// These tests replay every recorded exchange with the real service (docs/reference/atlas-contract.md), field by field and header by header.
// They leave out headers about Atlas's own machines (Server, X-Envoy-…, X-Java-…, X-Mongodb-Service-Version), and values that always differ.

const V2023 = 'application/vnd.atlas.2023-01-01+json';
const ANSWERED = `${V2023};charset=utf-8`;

const SECURITY_HEADERS = {
  'referrer-policy': 'strict-origin-when-cross-origin',
  'strict-transport-security': 'max-age=31536000; includeSubdomains;',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-permitted-cross-domain-policies': 'none',
};

/** Headers that any HTTP server adds to an answer. */
const TRANSPORT = new Set(['connection', 'date', 'keep-alive', 'content-length']);

function headersOf(headers: Headers): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => !TRANSPORT.has(name)));
}

const linkTokens = (orgId: string) => `/api/atlas/v2/orgs/${orgId}/liveMigrations/linkTokens`;

test('recorded: POST linkTokens with two addresses, 201', async () => {
  // The clock stands still, because the rest of the rate limit grows with time.
  await using plane = await startControlPlane({ clock: new FakeClock() });
  const headers = { accept: V2023, 'content-type': V2023 };
  // One request was sent before the recorded one.
  await plane.api('POST', linkTokens(plane.orgId), { headers, body: {} });
  const body = '{"accessListIps":["1.2.3.4","5.6.7.8"]}';
  const answer = await plane.api('POST', linkTokens(plane.orgId), { headers, body });
  assert.equal(answer.status, 201);
  assert.deepEqual(headersOf(answer.headers), {
    'content-type': ANSWERED,
    'ratelimit-limit': '500',
    'ratelimit-remaining': '498',
    ...SECURITY_HEADERS,
  });
  assert.match(answer.text, /^\{"linkToken":"\w+"\}$/);
});

test('recorded: DELETE linkTokens, 204 with a content type and no content', async () => {
  await using plane = await startControlPlane({ clock: new FakeClock() });
  await plane.api('POST', linkTokens(plane.orgId), { body: {} });
  const answer = await plane.api('DELETE', linkTokens(plane.orgId), { headers: { accept: V2023 } });
  assert.equal(answer.status, 204);
  assert.deepEqual(headersOf(answer.headers), {
    'content-type': ANSWERED,
    'ratelimit-limit': '500',
    'ratelimit-remaining': '498',
    ...SECURITY_HEADERS,
  });
  assert.equal(answer.text, '');
});

test('recorded: DELETE linkTokens where there is none, 404 byte for byte', async () => {
  await using plane = await startControlPlane();
  const answer = await plane.api('DELETE', linkTokens(plane.orgId), { headers: { accept: V2023 } });
  assert.equal(answer.status, 404);
  assert.equal(answer.headers.get('content-length'), '151');
  const { 'x-error-remedy': extension, ...recorded } = headersOf(answer.headers);
  assert.ok(extension);
  assert.deepEqual(recorded, {
    'content-type': 'application/json',
    'ratelimit-limit': '500',
    'ratelimit-remaining': '499',
    'x-error-code': 'UNEXPECTED_ERROR',
    ...SECURITY_HEADERS,
  });
  assert.equal(
    answer.text,
    '{"detail":"Could not find the requested external organization link.","error":404,"errorCode":"UNEXPECTED_ERROR","parameters":null,"reason":"Not Found"}',
  );
});

test('recorded: the challenge, 401 byte for byte, without limits and without an error code', async () => {
  await using plane = await startControlPlane();
  const answer = await fetch(plane.url + linkTokens(plane.orgId), { method: 'POST', body: '{}' });
  assert.equal(answer.status, 401);
  const { 'www-authenticate': challenge = '', ...others } = headersOf(answer.headers);
  assert.match(
    challenge,
    /^Digest realm="MMS Public API", domain="", nonce="[A-Za-z0-9+/=]{32}", algorithm=MD5, qop="auth", stale=false$/,
  );
  assert.deepEqual(others, { 'content-type': 'application/json', ...SECURITY_HEADERS });
  assert.equal(answer.headers.get('content-length'), '142');
  assert.equal(
    await answer.text(),
    '{\n  "error" : 401,\n  "reason" : "Unauthorized",\n  "detail" : "You are not authorized for this resource.",\n  "errorCode" : "UNEXPECTED_ERROR"\n}',
  );
});

test('recorded: errors whose text and parameters are known', async () => {
  await using plane = await startControlPlane();
  const group = await plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'twice', orgId: plane.orgId } });
  const groupId = String(group.json.id);
  const unknown = '1'.repeat(24);
  const clusters = `/api/atlas/v2/groups/${groupId}/clusters`;
  const cluster = { name: 'C', connectionStrings: { standard: 'mongodb://h/?replicaSet=r' } };
  await plane.api('POST', clusters, { body: cluster });
  const cases = [
    [
      'GET',
      `/api/atlas/v2/groups/${unknown}`,
      undefined,
      404,
      'GROUP_NOT_FOUND',
      `No group with ID ${unknown} exists.`,
      [unknown],
    ],
    [
      'GET',
      `${clusters}/none`,
      undefined,
      404,
      'CLUSTER_NOT_FOUND',
      `No cluster named none exists in group ${groupId}.`,
      ['none', groupId],
    ],
    [
      'POST',
      '/api/atlas/v2/groups',
      { name: 'twice', orgId: plane.orgId },
      409,
      'GROUP_ALREADY_EXISTS',
      'A group with name "twice" already exists.',
      ['twice'],
    ],
    [
      'POST',
      clusters,
      cluster,
      400,
      'DUPLICATE_CLUSTER_NAME',
      `A cluster or serverless instance named C is already present in group ${groupId}.`,
      ['C', groupId],
    ],
    [
      'GET',
      '/api/atlas/v2/unknown',
      undefined,
      404,
      'RESOURCE_NOT_FOUND',
      'Cannot find resource /api/atlas/v2/unknown.',
      ['/api/atlas/v2/unknown'],
    ],
  ] as const;
  for (const [method, path, body, status, errorCode, detail, parameters] of cases) {
    const answer = await plane.api(method, path, { body });
    const reason = { 400: 'Bad Request', 404: 'Not Found', 409: 'Conflict' }[status];
    assert.equal(answer.text, JSON.stringify({ detail, error: status, errorCode, parameters, reason }), errorCode);
  }
});

test('recorded: DELETE linkTokens while a migration is active, 409', async () => {
  await using plane = await startControlPlane();
  const { groupId, path } = await prepare(plane);
  await plane.api('POST', path, { body: cliBody(groupId) });
  const answer = await plane.api('DELETE', linkTokens(plane.orgId));
  assert.equal(answer.headers.get('x-error-code'), 'CANNOT_DELETE_ORG_ACTIVE_LIVE_MIGRATION_ATLAS_ORG_LINK');
  assert.equal(
    answer.text,
    `{"detail":"Cannot delete organization link while there is active migration in following project ids: ${groupId}","error":409,"errorCode":"CANNOT_DELETE_ORG_ACTIVE_LIVE_MIGRATION_ATLAS_ORG_LINK","parameters":["${groupId}"],"reason":"Conflict"}`,
  );
});

test('recorded: links of a page, each with its parameters in the order in which Atlas writes them', async () => {
  await using plane = await startControlPlane();
  await plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'one', orgId: plane.orgId } });
  await plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'two', orgId: plane.orgId } });
  const links = async (query: string) =>
    (await plane.api<Page<unknown>>('GET', `/api/atlas/v2/${query}`)).json.links.map(
      ({ href, rel }) => `${rel} ${href.slice(plane.url.length)}`,
    );
  assert.deepEqual(await links('groups'), ['self /api/atlas/v2/groups?includeCount=true&pageNum=1&itemsPerPage=100']);
  assert.deepEqual(await links('orgs?name='), [
    'self /api/atlas/v2/orgs?includeCount=true&name=&pageNum=1&itemsPerPage=100',
  ]);
  assert.deepEqual(
    (await links('groups?itemsPerPage=1'))[1],
    'next /api/atlas/v2/groups?includeCount=true&itemsPerPage=1&pageNum=2',
  );
});

test('documented: the example answers of a validation, a new migration and the bodies of the old request', async () => {
  await using plane = await startControlPlane();
  const { groupId, path } = await prepare(plane);
  const validation = await plane.api('POST', `${path}/validate`, { body: cliBody(groupId) });
  const { _id, linkspan, ...shown } = validation.json;
  assert.match(String(_id), /^[0-9a-f]{24}$/);
  assert.deepEqual(shown, { errorMessage: null, groupId, sourceGroupId: '5'.repeat(24), status: 'PENDING' });
  assert.deepEqual(linkspan, { findings: [] });
  const migration = (await plane.api('POST', path, { body: cliBody(groupId) })).json;
  assert.deepEqual(Object.keys(migration), ['_id', 'linkspan', 'migrationHosts', 'status']);
  assert.deepEqual([migration.status, migration.migrationHosts], ['NEW', ['host-1']]);
});
