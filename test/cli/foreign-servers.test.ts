import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { ApiClient } from '../../src/cli/administration/client.ts';
import { startControlPlane } from '../atlas-api/control-plane.ts';
import { cliBody, prepare } from '../atlas-api/migration-world.ts';

const KEY = { publicKey: 'ownerkey', privateKey: 'secret' };
const ACCOUNT = { clientId: 'mdb_sa_id_0', clientSecret: 'secret' };

/** Starts an HTTP server that answers everything alike. */
async function answering(status: number, type: string, body: string) {
  const server = createServer((_request, response) => {
    response.writeHead(status, { 'content-type': type, connection: 'close' }).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, [Symbol.dispose]: () => void server.close() };
}

test('an answer that is not of Linkspan is named by what sent it, for keys and for service accounts', async () => {
  const page = '<html><body>It works!</body></html>';
  const cases = [
    [502, 'text/html', page, 'API_BEHIND_PROXY', /A proxy at .* answers with HTTP 502/],
    [200, 'text/html', page, 'API_NOT_LINKSPAN', /answers \(HTTP 200\), but it is not a Linkspan server/],
    [404, 'application/json', '{"message":"no Route"}', 'API_NOT_LINKSPAN', /HTTP 404/],
  ] as const;
  for (const [status, type, body, code, message] of cases) {
    using server = await answering(status, type, body);
    for (const account of [KEY, ACCOUNT])
      await assert.rejects(new ApiClient({ url: `http://${server.url}`, ...account }).ask('GET', '/orgs'), {
        code,
        message,
      });
  }
});

test('a URL with https for a server without TLS, and one with a path, are refused with the right URL', async () => {
  await using plane = await startControlPlane();
  const { publicKey, privateKey } = plane;
  const asking = (url: string) => new ApiClient({ url, publicKey, privateKey }).ask('GET', '/orgs');
  await asking(plane.url);
  const plain = { code: 'API_NOT_TLS', remedy: new RegExp(`plain HTTP: set .* to ${plane.url},`) };
  await assert.rejects(asking(plane.url.replace('http:', 'https:')), plain);
  const withPath = { code: 'API_URL_HAS_PATH', remedy: new RegExp(`to ${plane.url}\\.`) };
  await assert.rejects(asking(`${plane.url}/api/atlas/v2`), withPath);
});

test('a limit of requests says how long it holds', async () => {
  const detail = 'Rate limit exceeded.';
  using server = await answering(
    429,
    'application/json',
    JSON.stringify({ detail, errorCode: 'RATE_LIMITED_TOKEN_BUCKET' }),
  );
  const client = new ApiClient({ url: `http://${server.url}`, ...KEY });
  const message = /takes no request of this key for 1 s: Rate limit exceeded\.$/;
  await assert.rejects(client.ask('GET', '/orgs'), { code: 'API_RATE_LIMITED', message });
});

test('a refusal of a name says which names there are', async () => {
  await using plane = await startControlPlane();
  const { groupId } = await prepare(plane);
  const { url, publicKey, privateKey } = plane;
  const client = new ApiClient({ url, publicKey, privateKey });
  const refusal = async (changes: Parameters<typeof cliBody>[1], remedy: RegExp) =>
    assert.rejects(client.ask('POST', `/groups/${groupId}/liveMigrations`, cliBody(groupId, changes)), { remedy });
  await refusal({ destination: { clusterName: 'C' } }, /^Its clusters: C1, C2\. .*See docs/);
  await refusal({ migrationHosts: ['host-9'] }, /^Its migration hosts: host-1\. /);
  await refusal({ source: { groupId: '9'.repeat(24) } }, /^It reports the projects: [0-9a-f]{24}\. /);
  await refusal({ source: { clusterName: 'nothing' } }, /^It reports the clusters: source\. /);
});
