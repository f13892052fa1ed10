import assert from 'node:assert/strict';
import { test } from 'node:test';
import { request as urllib } from 'urllib';
import { parseLinkToken } from '../../src/link/index.ts';
import { ATLAS, startControlPlane } from './control-plane.ts';
import { findCurl, findGoProgram, findPython, runClient, skipReason } from './foreign-clients.ts';
import { cliBody, prepare, progress } from './migration-world.ts';

// This file tests the server with unmodified clients of others. All other tests use the client of src/digest.
const curl = await findCurl();
const python = await findPython();
const goClient = await findGoProgram('go-client');

test("curl creates a link-token with the exact request of Atlas's documentation", {
  skip: skipReason(curl),
}, async () => {
  await using plane = await startControlPlane();
  const stdout = await runClient(
    curl,
    ...['--silent', '--user', `${plane.publicKey}:${plane.privateKey}`, '--digest'],
    ...['--header', 'Accept: application/json', '--header', 'Content-Type: application/json'],
    ...['--include', '--request', 'POST'],
    `${plane.url}/api/atlas/v1.0/orgs/${plane.orgId}/liveMigrations/linkTokens?pretty=true`,
    ...['--data', '{ "accessListIps": [ "192.0.2.1" ] }'],
  );
  const [challenge = '', answer = '', body = ''] = stdout.split('\r\n\r\n');
  assert.match(challenge, /^HTTP\/1\.1 401 Unauthorized\r\n/);
  assert.match(
    challenge,
    /www-authenticate: Digest realm="MMS Public API", domain="", nonce="[^"]+", algorithm=MD5, qop="auth", stale=false/i,
  );
  assert.match(answer, /^HTTP\/1\.1 201 Created\r\n/);
  assert.match(answer, /\ncontent-type: application\/json\r?\n/i);
  assert.ok(parseLinkToken(JSON.parse(body).linkToken));
});

test('curl sends several requests over one connection under one nonce', {
  skip: skipReason(curl),
}, async () => {
  await using plane = await startControlPlane();
  const orgs = `${plane.url}/api/atlas/v2/orgs`;
  const user = ['--silent', '--user', `${plane.publicKey}:${plane.privateKey}`, '--digest'];
  const stdout = await runClient(
    curl,
    ...user,
    '--header',
    `Accept: ${ATLAS}`,
    '--write-out',
    '%{http_code} ',
    '--output',
    '/dev/null',
    orgs,
    '--output',
    '/dev/null',
    orgs,
  );
  assert.equal(stdout.trim(), '200 200');
});

test('curl answers the stronger of two challenges, and each of them alone', { skip: skipReason(curl) }, async () => {
  for (const digestAlgorithms of [['SHA-256', 'MD5'], ['SHA-256'], ['MD5']] as const) {
    await using plane = await startControlPlane({ digestAlgorithms });
    const stdout = await runClient(
      curl,
      ...['--silent', '--user', `${plane.publicKey}:${plane.privateKey}`, '--digest', '--header', `Accept: ${ATLAS}`],
      ...['--output', '/dev/null', '--write-out', '%{http_code}', `${plane.url}/api/atlas/v2/orgs`],
    );
    assert.equal(stdout, '200');
  }
});

const REQUESTS = `
import sys, requests
from requests.auth import HTTPDigestAuth
url, org, public, private = sys.argv[1:]
session = requests.Session()
session.trust_env = False
session.auth = HTTPDigestAuth(public, private)
session.headers["Accept"] = "application/vnd.atlas.2025-03-12+json"
path = f"{url}/api/atlas/v2/orgs/{org}/liveMigrations/linkTokens"
made = [session.post(path, json={"accessListIps": []}) for _ in range(3)]
gone = session.delete(path)
wrong = requests.get(f"{url}/api/atlas/v2/orgs", auth=HTTPDigestAuth(public, "wrong"))
print([answer.status_code for answer in made + [gone, wrong]])
`;

const HTTPX = `
import sys, httpx
url, org, public, private = sys.argv[1:]
accept = {"Accept": "application/vnd.atlas.2025-03-12+json"}
with httpx.Client(auth=httpx.DigestAuth(public, private), headers=accept, trust_env=False) as client:
    path = f"{url}/api/atlas/v2/orgs/{org}/liveMigrations/linkTokens"
    made = [client.post(path, json={"accessListIps": []}) for _ in range(3)]
    gone = client.delete(path)
wrong = httpx.get(f"{url}/api/atlas/v2/orgs", auth=httpx.DigestAuth(public, "wrong"), trust_env=False)
print([answer.status_code for answer in made + [gone, wrong]])
`;

for (const [name, program] of [
  ['requests', REQUESTS],
  ['httpx', HTTPX],
] as const) {
  test(`Python's ${name} creates and deletes link-tokens, using one nonce several times`, {
    skip: skipReason(python),
  }, async () => {
    for (const digestAlgorithms of [['MD5'], ['SHA-256', 'MD5'], ['SHA-256']] as const) {
      await using plane = await startControlPlane({ digestAlgorithms });
      const stdout = await runClient(python, program, plane.url, plane.orgId, plane.publicKey, plane.privateKey);
      assert.equal(stdout.trim(), '[201, 201, 201, 204, 401]', digestAlgorithms.join());
    }
  });
}

const PYTHON_KEYS = `
import sys, requests
from requests.auth import HTTPDigestAuth
url, org, public, private = sys.argv[1:]
def session(public, private):
    made = requests.Session()
    made.trust_env = False
    made.auth = HTTPDigestAuth(public, private)
    made.headers["Accept"] = "application/vnd.atlas.2025-03-12+json"
    return made
owner = session(public, private)
path = f"{url}/api/atlas/v2/orgs/{org}/apiKeys"
made = owner.post(path, json={"desc": "python", "roles": ["ORG_MEMBER"]})
key = made.json()
member = session(key["publicKey"], key["privateKey"])
seen = member.get(f"{url}/api/atlas/v2/orgs/{org}")
refused = member.post(path, json={"desc": "python", "roles": ["ORG_MEMBER"]})
changed = owner.patch(f"{path}/{key['id']}", json={"roles": ["ORG_OWNER"]})
listed = owner.post(f"{path}/{key['id']}/accessList", json=[{"ipAddress": "127.0.0.1"}])
gone = owner.delete(f"{path}/{key['id']}")
after = member.get(f"{url}/api/atlas/v2/orgs/{org}")
print([answer.status_code for answer in [made, seen, refused, changed, listed, gone, after]])
`;

test("Python's requests creates an API key, uses it, changes and deletes it", {
  skip: skipReason(python),
}, async () => {
  await using plane = await startControlPlane();
  const stdout = await runClient(python, PYTHON_KEYS, plane.url, plane.orgId, plane.publicKey, plane.privateKey);
  assert.equal(stdout.trim(), '[200, 200, 401, 200, 200, 204, 401]');
});

test('the npm package urllib, which sends no algorithm, creates and deletes link-tokens', async () => {
  await using plane = await startControlPlane();
  const path = `${plane.url}/api/atlas/v2/orgs/${plane.orgId}/liveMigrations/linkTokens`;
  const digestAuth = `${plane.publicKey}:${plane.privateKey}`;
  const headers = { accept: ATLAS };
  const made = await urllib(path, {
    method: 'POST',
    digestAuth,
    headers,
    contentType: 'json',
    data: {},
    dataType: 'json',
  });
  assert.equal(made.status, 201);
  assert.ok(parseLinkToken(made.data.linkToken));
  assert.equal((await urllib(path, { method: 'DELETE', digestAuth, headers })).status, 204);
  assert.equal((await urllib(path, { method: 'DELETE', digestAuth, headers })).status, 404);
});

interface GoOutcome {
  readonly status: number;
  readonly result?: Record<string, unknown>;
  readonly error?: Record<string, unknown>;
  readonly other?: string;
}

test("Atlas's official Go client of v1.0 runs a migration from start to end, and parses every error as one of Atlas", {
  skip: skipReason(goClient),
}, async () => {
  await using plane = await startControlPlane();
  const { agent, groupId } = await prepare(plane);
  const go = async (...call: string[]): Promise<GoOutcome> =>
    JSON.parse(await runClient(goClient, plane.url, plane.publicKey, plane.privateKey, ...call));
  const created = await go('createToken', plane.orgId, '1.2.3.4', '2001:db8::/32');
  assert.equal(created.status, 201);
  assert.ok(parseLinkToken(String(created.result?.linkToken)));
  assert.equal((await go('organizations')).result?.totalCount, 1);
  assert.equal((await go('projects')).result?.totalCount, 1);

  const { dropDestinationData: _, ...older } = cliBody(groupId);
  const order = JSON.stringify({ ...older, dropEnabled: false });
  const validation = await go('validate', groupId, order);
  assert.deepEqual([validation.status, validation.result?.status], [200, 'PENDING']);
  const validationId = String(validation.result?._id);
  await agent.report({
    validations: [{ id: validationId, status: 'FAILED', errorMessage: 'no such user', findings: [] }],
  });
  const failed = await go('validation', groupId, validationId);
  assert.deepEqual([failed.result?.status, failed.result?.errorMessage], ['FAILED', 'no such user']);

  const started = await go('create', groupId, order);
  assert.deepEqual([started.status, started.result?.status], [201, 'NEW']);
  const id = String(started.result?._id);
  const early = await go('start', groupId, id);
  assert.deepEqual([early.status, early.error?.errorCode], [409, 'CUTOVER_NOT_READY']);
  const ready = { state: 'FOLLOWING', readyForCutover: true, lagSeconds: 0 } as const;
  await agent.report({ migrations: [{ id, progress: progress(id, ready) }] });
  const shown = await go('get', groupId, id);
  assert.deepEqual([shown.result?.status, shown.result?.readyForCutover], ['WORKING', true]);
  const cutover = await go('start', groupId, id);
  assert.deepEqual([cutover.status, cutover.error, cutover.other], [202, undefined, undefined]);

  const refused = await go('deleteToken', plane.orgId);
  assert.equal(refused.error?.errorCode, 'CANNOT_DELETE_ORG_ACTIVE_LIVE_MIGRATION_ATLAS_ORG_LINK');
  await agent.report({ migrations: [{ id, progress: progress(id, { state: 'COMMITTED' }) }] });
  assert.deepEqual(await go('deleteToken', plane.orgId), { status: 204 });
  const { status, error } = await go('deleteToken', plane.orgId);
  assert.deepEqual([status, error?.detail], [404, 'Could not find the requested external organization link.']);
  const bad = await go('createToken', plane.orgId, 'nonsense');
  assert.deepEqual([bad.status, bad.error?.errorCode], [400, 'INVALID_IP_ADDRESS_OR_CIDR_NOTATION']);
});
