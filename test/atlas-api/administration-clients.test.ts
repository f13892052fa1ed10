import assert from 'node:assert/strict';
import { test } from 'node:test';
import { request as urllib } from 'urllib';
import { operations } from '../../src/atlas-api/operations.ts';
import { type Answer, answerCheckOf } from './check-answer.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { findCurl, findPython, runClient, skipReason, startPython } from './foreign-clients.ts';
import { DESTINATION } from './migration-world.ts';

// This file tests the server with unmodified clients of others. All other tests use the client of src/digest.
const [curl, python] = await Promise.all([findCurl(), findPython()]);
/** A date after all versions of Linkspan, which current clients send. */
const ACCEPT = 'application/vnd.atlas.2025-03-12+json';

/** Sends one request with a client of others. */
type Send = (plane: ControlPlane, method: string, path: string, body: string | undefined) => Promise<Answer>;

const sendWithCurl: Send = async ({ url, publicKey, privateKey }, method, path, body) => {
  const stdout = await runClient(
    curl,
    ...[
      '--silent',
      '--show-error',
      '--user',
      `${publicKey}:${privateKey}`,
      '--digest',
      '--header',
      `Accept: ${ACCEPT}`,
    ],
    ...(body === undefined ? [] : ['--header', 'Content-Type: application/json', '--data', body]),
    ...['--write-out', '\n%{http_code} %{content_type}', '--request', method, url + path],
  );
  const [, text = '', status, contentType] = /^(.*)\n(\d+) (.*)$/s.exec(stdout) ?? [];
  return { status: Number(status), contentType: contentType || null, text };
};

const sendWithUrllib: Send = async ({ url, publicKey, privateKey }, method, path, body) => {
  const { status, headers, data } = await urllib(url + path, {
    method: method as 'GET',
    digestAuth: `${publicKey}:${privateKey}`,
    headers: { accept: ACCEPT },
    dataType: 'text',
    ...(body === undefined ? {} : { content: body, contentType: 'application/json' }),
  });
  return { status, contentType: (headers['content-type'] as string) ?? null, text: data };
};

/** Reads a request from each line of the input, sends all with one client under one nonce, and prints each answer. */
const PYTHON = `
import json, sys
kind, url, public, private = sys.argv[1:]
if kind == "requests":
    import requests
    client = requests.Session()
    client.trust_env = False
    client.auth = requests.auth.HTTPDigestAuth(public, private)
else:
    import httpx
    client = httpx.Client(auth=httpx.DigestAuth(public, private), trust_env=False)
client.headers["Accept"] = "${ACCEPT}"
for line in sys.stdin:
    method, path, body = json.loads(line)
    given = {} if body is None else {"data" if kind == "requests" else "content": body, "headers": {"Content-Type": "application/json"}}
    answer = client.request(method, url + path, **given)
    print(json.dumps([answer.status_code, answer.headers.get("Content-Type"), answer.text]))
`;

async function administerWithPython(kind: 'requests' | 'httpx'): Promise<void> {
  await using plane = await startControlPlane();
  using program = startPython(PYTHON, [kind, plane.url, plane.publicKey, plane.privateKey]);
  await administer(plane, async (_plane, method, path, body) => {
    const [status, contentType, text] = JSON.parse(await program.ask(JSON.stringify([method, path, body ?? null])));
    return { status, contentType, text };
  });
}

/** Sends a request to every Atlas operation about organizations, projects, clusters, keys, accounts and events. */
async function administer(plane: ControlPlane, send: Send): Promise<void> {
  const { orgId } = plane;
  const check = await answerCheckOf(plane.url);
  const untried = new Set(operations.filter(({ path }) => !path.includes('liveMigrations')));
  /** Sends a request and expects a status or an error code. */
  const ask = async (method: string, path: string, expected: number | string, body?: unknown) => {
    const answer = await send(
      plane,
      method,
      `/api/atlas/v2${path}`,
      body === undefined ? undefined : JSON.stringify(body),
    );
    check.check(method, `/api/atlas/v2${path}`, answer);
    const json = answer.text === '' ? {} : JSON.parse(answer.text);
    assert.equal(
      typeof expected === 'number' ? answer.status : json.errorCode,
      expected,
      `${method} ${path} ${answer.text}`,
    );
    for (const operation of untried) {
      const pattern = new RegExp(`^${operation.path.replace(/\{\w+\}/g, '[^/]+')}$`);
      if (operation.method === method && pattern.test(path)) untried.delete(operation);
    }
    return json;
  };
  const org = `/orgs/${orgId}`;
  const { apiKey } = await ask('GET', '', 200);
  await ask('GET', '/orgs', 200);
  await ask('PATCH', org, 200, { name: 'renamed' });
  assert.equal((await ask('GET', org, 200)).name, 'renamed');
  const owner = { desc: 'owner', roles: ['ORG_OWNER'] };
  await ask('POST', '/orgs', 201, { name: 'another', apiKey: owner });
  await ask('PATCH', `${org}/settings`, 'RESOURCE_REQUIRES_ACCESS_LIST', { apiAccessListRequired: true });
  await ask('GET', `${org}/settings`, 200);

  const { id: groupId } = await ask('POST', '/groups', 201, { name: 'shop', orgId });
  await ask('POST', '/groups', 'GROUP_ALREADY_EXISTS', { name: 'shop', orgId });
  const group = `/groups/${groupId}`;
  await ask('PATCH', group, 200, { name: 'stock' });
  assert.equal((await ask('GET', '/groups/byName/stock', 200)).id, groupId);
  await ask('GET', group, 200);
  assert.equal((await ask('GET', '/groups', 200)).totalCount, 1);
  await ask('GET', `${org}/groups`, 200);
  await ask('GET', `/groups/${'f'.repeat(24)}`, 'GROUP_NOT_FOUND');

  const cluster = { name: 'C', connectionStrings: { standard: DESTINATION } };
  await ask('POST', `${group}/clusters`, 201, cluster);
  await ask('POST', `${group}/clusters`, 'DUPLICATE_CLUSTER_NAME', cluster);
  await ask('PATCH', `${group}/clusters/C`, 200, { connectionStrings: cluster.connectionStrings });
  const shown = await ask('GET', `${group}/clusters/C`, 200);
  assert.deepEqual((await ask('GET', `${group}/clusters`, 200)).results, [shown]);
  await ask('DELETE', group, 'CANNOT_CLOSE_GROUP_ACTIVE_ATLAS_CLUSTERS');
  await ask('DELETE', org, 'ORG_NOT_EMPTY');
  await ask('DELETE', `${group}/clusters/C`, 202);
  await ask('GET', `${group}/clusters/C`, 'CLUSTER_NOT_FOUND');

  const { id: keyId } = await ask('POST', `${org}/apiKeys`, 200, { desc: 'd', roles: ['ORG_MEMBER'] });
  const key = `${org}/apiKeys/${keyId}`;
  await ask('PATCH', key, 200, { desc: 'e' });
  assert.equal((await ask('GET', key, 200)).desc, 'e');
  assert.equal((await ask('GET', `${org}/apiKeys`, 200)).totalCount, 2);
  const entries = await ask('POST', `${key}/accessList`, 200, [
    { ipAddress: '192.0.2.1' },
    { cidrBlock: '2001:db8::/32' },
  ]);
  assert.equal(entries.totalCount, 2);
  await ask('GET', `${key}/accessList`, 200);
  await ask('GET', `${key}/accessList/2001:db8::%2F32`, 200);
  await ask('DELETE', `${key}/accessList/192.0.2.1`, 204);
  await ask('POST', `${key}/accessList`, 'INVALID_IP_ADDRESS_OR_CIDR_NOTATION', [{ ipAddress: 'nonsense' }]);
  await ask('POST', `${group}/apiKeys/${keyId}`, 204, [{ roles: ['GROUP_READ_ONLY'] }]);
  await ask('PATCH', `${group}/apiKeys/${keyId}`, 200, { roles: ['GROUP_OWNER'] });
  await ask('POST', `${group}/apiKeys`, 200, { desc: 'of the project', roles: ['GROUP_READ_ONLY'] });
  assert.equal((await ask('GET', `${group}/apiKeys`, 200)).totalCount, 2);
  await ask('DELETE', `${group}/apiKeys/${keyId}`, 204);
  await ask('DELETE', key, 204);
  await ask('DELETE', `${org}/apiKeys/${apiKey.id}`, 'CANNOT_REMOVE_LAST_ORG_OWNER');

  const request = { name: 'robot', description: 'd', roles: ['ORG_MEMBER'], secretExpiresAfterHours: 8 };
  const { clientId } = await ask('POST', `${org}/serviceAccounts`, 201, request);
  const account = `${org}/serviceAccounts/${clientId}`;
  await ask('PATCH', account, 200, { name: 'android' });
  assert.equal((await ask('GET', account, 200)).name, 'android');
  assert.equal((await ask('GET', `${org}/serviceAccounts`, 200)).totalCount, 1);
  const secret = await ask('POST', `${account}/secrets`, 201, { secretExpiresAfterHours: 8 });
  await ask('DELETE', `${account}/secrets/${secret.id}`, 204);
  await ask('POST', `${account}/accessList`, 201, [{ ipAddress: '192.0.2.1' }]);
  await ask('GET', `${account}/accessList`, 200);
  await ask('DELETE', `${account}/accessList/192.0.2.1`, 204);
  await ask('DELETE', account, 204);

  for (const place of [org, group]) {
    const { results } = await ask('GET', `${place}/events`, 200);
    await ask('GET', `${place}/events/${results[0].id}`, 200);
  }
  assert.equal((await ask('GET', `${org}/events/verification`, 200)).isIntact, true);
  await ask('DELETE', group, 202);
  assert.deepEqual(
    [...untried].map(({ operationId }) => operationId),
    [],
  );
}

test('curl with digest reaches every operation of administration', { skip: skipReason(curl) }, async () => {
  await using plane = await startControlPlane();
  await administer(plane, sendWithCurl);
});

test('the npm package urllib reaches every operation of administration', async () => {
  await using plane = await startControlPlane();
  await administer(plane, sendWithUrllib);
});

for (const kind of ['requests', 'httpx'] as const) {
  test(`Python's ${kind} reaches every operation of administration`, { skip: skipReason(python) }, () =>
    administerWithPython(kind),
  );
}
