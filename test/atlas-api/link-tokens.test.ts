import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openLinkTokensOf } from '../../src/control/index.ts';
import { parseLinkToken } from '../../src/link/index.ts';
import { addOrganization, startControlPlane } from './control-plane.ts';

const SECURITY_HEADERS = {
  'referrer-policy': 'strict-origin-when-cross-origin',
  'strict-transport-security': 'max-age=31536000; includeSubdomains;',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-permitted-cross-domain-policies': 'none',
};

const linkTokens = (orgId: string) => `/api/atlas/v2/orgs/${orgId}/liveMigrations/linkTokens`;

test("creating a link-token gets the answer of Atlas's recorded exchange, header by header", async () => {
  await using plane = await startControlPlane();
  const type = 'application/vnd.atlas.2023-01-01+json';
  const created = await plane.api('POST', linkTokens(plane.orgId), {
    headers: { accept: type, 'content-type': type },
    body: { accessListIps: ['1.2.3.4', '5.6.7.8'] },
  });
  assert.equal(created.status, 201);
  assert.equal(created.headers.get('content-type'), `${type};charset=utf-8`);
  assert.equal(created.headers.get('location'), null);
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) assert.equal(created.headers.get(name), value, name);
  assert.deepEqual(Object.keys(created.json), ['linkToken']);
  const token = parseLinkToken(String(created.json.linkToken));
  assert.equal(token.serverUrl, plane.url);
  assert.deepEqual((await plane.store.get('linkTokens', token.id))?.accessListIps, ['1.2.3.4', '5.6.7.8']);
});

test('the challenge equals the recorded one, byte for byte, and is sent before the rest of the request is checked', async () => {
  await using plane = await startControlPlane();
  const response = await fetch(plane.url + linkTokens('nonsense'), {
    method: 'POST',
    body: '{',
    headers: { accept: 'x' },
  });
  assert.equal(response.status, 401);
  assert.equal(response.headers.get('content-type'), 'application/json');
  assert.equal(response.headers.get('content-length'), '142');
  assert.equal(response.headers.get('x-error-code'), null);
  assert.equal(
    await response.text(),
    '{\n  "error" : 401,\n  "reason" : "Unauthorized",\n  "detail" : "You are not authorized for this resource.",\n  "errorCode" : "UNEXPECTED_ERROR"\n}',
  );
});

test('a wrong private key and an unknown public key get the same answer as no key', async () => {
  await using plane = await startControlPlane();
  for (const user of [
    [plane.publicKey, 'wrong'],
    ['nobody', plane.privateKey],
  ] as const) {
    const response = await plane.api('POST', linkTokens(plane.orgId), { user, body: {} });
    assert.equal(response.status, 401);
    assert.equal(response.text.length, 142);
    assert.match(response.headers.get('www-authenticate') ?? '', /stale=false$/);
  }
});

test('accessListIps may be absent, null, empty, addresses of both families and blocks', async () => {
  await using plane = await startControlPlane();
  for (const body of [
    {},
    { accessListIps: null },
    { accessListIps: [] },
    { accessListIps: ['::1', '10.0.0.0/8', '2001:db8::/32'] },
  ]) {
    assert.equal((await plane.api('POST', linkTokens(plane.orgId), { body })).status, 201);
  }
});

test('an invalid entry of accessListIps is named in the error, and no token is created', async () => {
  await using plane = await startControlPlane();
  const response = await plane.api('POST', linkTokens(plane.orgId), {
    body: { accessListIps: ['1.2.3.4', '1.2.3.4/99'] },
  });
  assert.equal(response.status, 400);
  assert.equal(response.headers.get('content-type'), 'application/json');
  assert.equal(response.headers.get('x-error-code'), 'INVALID_IP_ADDRESS_OR_CIDR_NOTATION');
  assert.deepEqual(response.json, {
    detail: 'The address 1.2.3.4/99 must be in valid IP address or CIDR notation.',
    error: 400,
    errorCode: 'INVALID_IP_ADDRESS_OR_CIDR_NOTATION',
    parameters: ['1.2.3.4/99'],
    reason: 'Bad Request',
  });
  assert.deepEqual(await openLinkTokensOf(plane.store, plane.orgId), []);
});

test("deleting gets the answers of Atlas's recorded exchanges: 204 once, then 404 with the recorded body", async () => {
  await using plane = await startControlPlane();
  await plane.api('POST', linkTokens(plane.orgId), { body: {} });
  const deleted = await plane.api('DELETE', linkTokens(plane.orgId));
  assert.equal(deleted.status, 204);
  assert.equal(deleted.headers.get('content-type'), 'application/vnd.atlas.2023-01-01+json;charset=utf-8');
  assert.equal(deleted.text, '');
  const again = await plane.api('DELETE', linkTokens(plane.orgId));
  assert.equal(again.status, 404);
  assert.equal(again.headers.get('content-type'), 'application/json');
  assert.equal(again.headers.get('content-length'), '151');
  assert.equal(again.headers.get('x-error-code'), 'UNEXPECTED_ERROR');
  assert.equal(
    again.text,
    '{"detail":"Could not find the requested external organization link.","error":404,"errorCode":"UNEXPECTED_ERROR","parameters":null,"reason":"Not Found"}',
  );
});

test('v1.0 does the same with plain JSON and without a version', async () => {
  await using plane = await startControlPlane();
  const path = `/api/atlas/v1.0/orgs/${plane.orgId}/liveMigrations/linkTokens?pretty=true`;
  const created = await plane.api('POST', path, {
    headers: { accept: 'application/json' },
    body: { accessListIps: [] },
  });
  assert.equal(created.status, 201);
  assert.equal(created.headers.get('content-type'), 'application/json');
  assert.match(created.text, /^\{\n {2}"linkToken": "mlt_\w+"\n\}$/);
  assert.equal((await plane.api('DELETE', path, { headers: { accept: '*/*' } })).status, 204);
});

test('only its own owners can use an organization', async () => {
  await using plane = await startControlPlane();
  const other = 'f'.repeat(24);
  const stranger = await addOrganization(plane, other, ['ORG_OWNER']);
  const member = await addOrganization(plane, plane.orgId, ['ORG_MEMBER']);
  const attempts = [
    { user: stranger, orgId: plane.orgId, status: 401, errorCode: 'USER_CANNOT_ACCESS_ORG' },
    { user: member, orgId: plane.orgId, status: 401, errorCode: 'NOT_ORG_OWNER' },
    { user: stranger, orgId: 'e'.repeat(24), status: 404, errorCode: 'ORG_NOT_FOUND' },
    { user: stranger, orgId: 'xyz', status: 404, errorCode: 'INVALID_ORG_ID' },
  ];
  for (const { user, orgId, status, errorCode } of attempts) {
    for (const [method, body] of [
      ['POST', {}],
      ['DELETE', undefined],
    ] as const) {
      const response = await plane.api(method, linkTokens(orgId), { user, body });
      assert.equal(response.status, status);
      assert.equal(response.json.errorCode, errorCode);
    }
  }
  assert.deepEqual(await openLinkTokensOf(plane.store, plane.orgId), []);
});

test('the store keeps a hash of the secret, and nothing that redeems the token', async () => {
  await using plane = await startControlPlane();
  const created = await plane.api('POST', linkTokens(plane.orgId), { body: {} });
  const { id, secret } = parseLinkToken(String(created.json.linkToken));
  const kept = JSON.stringify(await plane.store.get('linkTokens', id));
  assert.ok(!kept.includes(secret));
});
