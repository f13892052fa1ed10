import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { request as urllib } from 'urllib';
import { parseLinkToken } from '../../src/link/index.ts';
import { ATLAS, startControlPlane } from './control-plane.ts';

const run = promisify(execFile);

/** Whether a command can be run; a test that needs it is skipped with the reason otherwise. */
async function lacks(command: string, ...args: string[]): Promise<string | false> {
  return run(command, args).then(
    () => false,
    () => `${[command, ...args].join(' ')} does not work here`,
  );
}

const withoutCurl = await lacks('curl', '--version');
const withoutRequests = await lacks('python3', '-c', 'import requests');

test("curl makes a link-token with the very request of Atlas's documentation", { skip: withoutCurl }, async () => {
  await using plane = await startControlPlane();
  const { stdout } = await run('curl', [
    ...['--silent', '--user', `${plane.publicKey}:${plane.privateKey}`, '--digest'],
    ...['--header', 'Accept: application/json', '--header', 'Content-Type: application/json'],
    ...['--include', '--request', 'POST'],
    `${plane.url}/api/atlas/v1.0/orgs/${plane.orgId}/liveMigrations/linkTokens?pretty=true`,
    ...['--data', '{ "accessListIps": [ "192.0.2.1" ] }'],
  ]);
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

test('curl goes on over one connection, counting its requests under one nonce', { skip: withoutCurl }, async () => {
  await using plane = await startControlPlane();
  const orgs = `${plane.url}/api/atlas/v2/orgs`;
  const user = ['--silent', '--user', `${plane.publicKey}:${plane.privateKey}`, '--digest'];
  const { stdout } = await run('curl', [
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
  ]);
  assert.equal(stdout.trim(), '200 200');
});

const PYTHON = `
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

test("Python's requests makes and deletes link-tokens, using one nonce several times", {
  skip: withoutRequests,
}, async () => {
  await using plane = await startControlPlane();
  const { stdout } = await run('python3', ['-c', PYTHON, plane.url, plane.orgId, plane.publicKey, plane.privateKey]);
  assert.equal(stdout.trim(), '[201, 201, 201, 204, 401]');
});

test('the npm package urllib, which names no algorithm, makes and deletes link-tokens', async () => {
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
