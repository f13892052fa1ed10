import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { runLinkspan } from '../support/linkspan-process.ts';

const ACCOUNT = { LINKSPAN_CLIENT_ID: `mdb_sa_id_${'0c'.repeat(12)}`, LINKSPAN_CLIENT_SECRET: 'canary-of-the-account' };
const KEY = { LINKSPAN_PUBLIC_KEY: 'ownerkey', LINKSPAN_PRIVATE_KEY: 'canary-of-the-key' };

async function listOrganizations(env: Record<string, string>): Promise<{ code: number | null; stderr: string }> {
  await using linkspan = runLinkspan(['org', 'list'], { env });
  const { code } = await linkspan.exit;
  return { code, stderr: linkspan.stderr };
}

/** Returns an address of this machine that is not loopback; requests to it count as sent to another machine. */
function ownAddress(): string | undefined {
  return Object.values(networkInterfaces())
    .flat()
    .find((each) => each && !each.internal && each.family === 'IPv4')?.address;
}

async function listen(server: Server, host: string): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

// id: no-secret-over-plain-http
test('neither a client secret nor a digest is sent to another machine over plain HTTP, unless the user allows it', async (context) => {
  const address = ownAddress();
  if (address === undefined) return context.skip('this machine has only loopback');
  const sockets: Socket[] = [];
  let connections = 0;
  const server = createTcpServer((socket) => {
    connections += 1;
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.destroy();
  });
  server.listen(0, address);
  await once(server, 'listening');
  const url = `http://${address}:${(server.address() as AddressInfo).port}`;
  try {
    for (const credentials of [ACCOUNT, KEY]) {
      const refused = await listOrganizations({ ...credentials, LINKSPAN_URL: url });
      assert.match(refused.stderr, /\[API_OVER_PLAIN_HTTP\]/);
      assert.equal(refused.code, 2);
    }
    // Names that only look like loopback.
    for (const host of ['localhost.example.com', '127.0.0.1.example.com', '[::ffff:192.0.2.1]']) {
      assert.match(
        (await listOrganizations({ ...ACCOUNT, LINKSPAN_URL: `http://${host}` })).stderr,
        /API_OVER_PLAIN_HTTP/,
        host,
      );
    }
    assert.equal(connections, 0);
    const allowed = await listOrganizations({ ...ACCOUNT, LINKSPAN_URL: url, LINKSPAN_PLAIN_HTTP: 'anywhere' });
    assert.match(allowed.stderr, /\[API_UNREACHABLE\]/);
    assert.notEqual(connections, 0);
    assert.match(
      (await listOrganizations({ ...ACCOUNT, LINKSPAN_URL: url, LINKSPAN_PLAIN_HTTP: 'yes' })).stderr,
      /\[USAGE\]/,
    );
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});

test('a redirect sends no credentials to another server, neither before nor after the digest', async () => {
  const seen: IncomingHttpHeaders[] = [];
  const other = createServer(({ headers }, response) => {
    seen.push(headers);
    response.end('{}');
  });
  const otherPort = await listen(other, '127.0.0.1');
  const redirecting = createServer(({ headers, url }, response) => {
    const asksFirst = url !== '/api/oauth/token' && headers.authorization === undefined;
    const challenge = { 'www-authenticate': 'Digest realm="r", nonce="n", qop="auth", algorithm=MD5' };
    if (asksFirst) response.writeHead(401, challenge).end();
    else response.writeHead(307, { location: `http://127.0.0.1:${otherPort}${url}` }).end();
  });
  const LINKSPAN_URL = `http://127.0.0.1:${await listen(redirecting, '127.0.0.1')}`;
  try {
    for (const credentials of [ACCOUNT, KEY]) {
      const { code, stderr } = await listOrganizations({ ...credentials, LINKSPAN_URL });
      assert.ok(code === 2 && !stderr.includes('canary'), stderr);
      assert.match(stderr, /\[API_UNREACHABLE\]/);
    }
    assert.deepEqual(seen, []);
  } finally {
    other.close();
    redirecting.close();
  }
});
