import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { startControlPlane } from '../atlas-api/control-plane.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { requestFrom } from '../support/request-from.ts';
import { residentBytes } from '../support/resident-bytes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const HERE = '127.0.0.1';
const ELSEWHERE = '127.0.0.2';
const MEBIBYTE = 1024 * 1024;
const REQUEST = 'GET /openapi.json HTTP/1.1\r\nhost: h\r\n\r\n';

async function open(url: string): Promise<Socket> {
  const socket = connect({ host: HERE, port: Number(new URL(url).port) });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

// id: unread-answers
test('clients that send 20 requests on each connection and read nothing take little memory, and others are served', {
  skip: process.platform !== 'linux' && '/proc is read',
}, async () => {
  using folder = temporaryFolder('unread-answers');
  await using server = runLinkspan(['serve', '--listen', `${HERE}:0`, '--data-dir', folder.path]);
  const [, url = ''] = await server.waitForLine(/ready at (\S+), /);
  const read = async () => (await fetch(`${url}/openapi.json`)).status;
  assert.equal(await read(), 200);
  using all = new DisposableStack();
  for (let at = 0; at < 900; at += 1) {
    const socket = all.adopt(await open(url), (one) => one.destroy());
    socket.pause().write(REQUEST.repeat(20));
  }
  assert.equal((await requestFrom(ELSEWHERE, `${url}/openapi.json`)).status, 200);
  const taken = residentBytes(server.pid);
  // All answers together have 10 GB, and the shipped memory limit is 512 MiB.
  assert.ok(taken < 512 * MEBIBYTE, `${Math.round(taken / MEBIBYTE)} MiB`);
});

test('a request before the answer to the one before it is refused, and its connection ends', async () => {
  await using plane = await startControlPlane();
  const socket = await open(plane.url);
  let heard = '';
  socket.on('data', (chunk) => (heard += chunk));
  // The answer to the first one comes in a later turn of the event loop.
  socket.write('GET /api/atlas/v2/orgs HTTP/1.1\r\nhost: h\r\n\r\n'.repeat(3));
  await once(socket, 'close', { signal: AbortSignal.timeout(10_000) });
  assert.match(heard, /^HTTP\/1\.1 401 Unauthorized/);
  assert.match(heard, /HTTP\/1\.1 400 Bad Request[\s\S]*PIPELINED_REQUEST/);
});

test('the description of the API is sent once to a client that keeps it', async () => {
  await using plane = await startControlPlane();
  const first = await fetch(`${plane.url}/openapi.json`);
  const tag = first.headers.get('etag') ?? '';
  assert.equal(first.status, 200);
  await first.text();
  const again = await fetch(`${plane.url}/openapi.json`, { headers: { 'if-none-match': tag } });
  assert.deepEqual([again.status, await again.text()], [304, '']);
});
