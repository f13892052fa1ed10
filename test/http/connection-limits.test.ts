import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { createServer, type ServerOptions } from '../../src/http/server.ts';
import { silentLogger } from '../../src/platform/index.ts';
import { createAuthority } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { requestFrom } from '../support/request-from.ts';

const HERE = '127.0.0.1';
const ELSEWHERE = '127.0.0.2';

interface Served extends AsyncDisposable {
  readonly app: FastifyInstance;
  readonly url: string;
  readonly refusals: string[];
  /** A connection that sends nothing. */
  connectFrom(address: string): Promise<Socket>;
}

async function serve(options: Partial<ServerOptions>): Promise<Served> {
  const refusals: string[] = [];
  const onConnectionRefused = (address: string, why: string) => refusals.push(`${address}: ${why}`);
  const app = createServer({ logger: silentLogger, onConnectionRefused, ...options });
  const waiting: (() => void)[] = [];
  app.get('/', async () => 'served');
  app.get('/wait', async () => {
    await new Promise<void>((resolve) => waiting.push(resolve));
    return 'waited';
  });
  const url = (await app.listen({ host: '0.0.0.0', port: 0 })).replace(/\/\/[^:]+/, `//${HERE}`);
  const sockets: Socket[] = [];
  return {
    app,
    url,
    refusals,
    connectFrom: async (address) => {
      const socket = connect({ host: HERE, port: Number(new URL(url).port), localAddress: address });
      sockets.push(socket.on('error', () => undefined));
      await once(socket, 'connect');
      return socket;
    },
    [Symbol.asyncDispose]: async () => {
      for (const resolve of waiting) resolve();
      for (const socket of sockets) socket.destroy();
      await app.close();
    },
  };
}

const status = async (address: string, url: string, headers = {}) =>
  await requestFrom(address, url, { headers }).then(
    (answer) => answer.status,
    (error) => error.code,
  );

test('an address at its connection limit is disconnected, others are served, and it is served again after one of its connections closes', async () => {
  await using served = await serve({ connectionLimits: { total: 100, perAddress: 3 } });
  const open = await Promise.all([1, 2, 3].map(() => served.connectFrom(HERE)));
  await eventually(async () => (await status(HERE, served.url)) === 'ECONNRESET', { what: 'the limit to hold' });
  assert.equal(await status(ELSEWHERE, served.url), 200);
  assert.ok(served.refusals.every((each) => each === `${HERE}: too many connections from this address`));
  open[0]?.destroy();
  await eventually(async () => (await status(HERE, served.url)) === 200, { what: 'a free place' });
});

test('at the limit of all connections no one is served until one closes', async () => {
  await using served = await serve({ connectionLimits: { total: 3, perAddress: 100 } });
  const open = await Promise.all([HERE, ELSEWHERE, '127.0.0.3'].map((address) => served.connectFrom(address)));
  await eventually(async () => (await status('127.0.0.4', served.url)) === 'ECONNRESET', { what: 'the limit to hold' });
  assert.ok(served.refusals.includes('127.0.0.4: too many connections'));
  open[0]?.destroy();
  await eventually(async () => (await status('127.0.0.4', served.url)) === 200, { what: 'a free place' });
});

test('a trusted proxy may open any number of connections; the requests of each client behind it are limited', async () => {
  await using served = await serve({ connectionLimits: { total: 100, perAddress: 2 }, trustedProxies: [HERE] });
  const behind = (client: string) => ({ 'x-forwarded-for': client });
  await Promise.all(Array.from({ length: 10 }, () => served.connectFrom(HERE)));
  assert.equal(await status(HERE, served.url, behind('192.0.2.1')), 200);
  const waiting = [1, 2].map(() => requestFrom(HERE, `${served.url}/wait`, { headers: behind('2001:db8::1') }));
  const refused = () => requestFrom(HERE, served.url, { headers: behind('2001:db8::2') });
  await eventually(async () => (await refused()).status === 429, {
    what: 'the requests of one IPv6 block to reach the limit',
  });
  const { headers, text } = await refused();
  assert.equal(headers['retry-after'], '5');
  assert.match(text, /TOO_MANY_OPEN_REQUESTS/);
  assert.equal(await status(HERE, served.url, behind('2001:db8:0:1::1')), 200, 'another block');
  assert.deepEqual(served.refusals, []);
  // A client that connects directly cannot choose its address by a header.
  await Promise.all([1, 2].map(() => served.connectFrom(ELSEWHERE)));
  assert.equal(await status(ELSEWHERE, served.url, behind('192.0.2.7')), 'ECONNRESET');
  await served[Symbol.asyncDispose]();
  assert.deepEqual(
    (await Promise.all(waiting)).map((answer) => answer.status),
    [200, 200],
  );
});

test('the limits apply before TLS, and closed connections are no longer counted', async () => {
  await using served = await serve({ tls: createAuthority().issue(), connectionLimits: { total: 100, perAddress: 3 } });
  for (let round = 0; round < 20; round += 1) {
    const sockets = await Promise.all([1, 2, 3, 4, 5].map(() => served.connectFrom(HERE)));
    await eventually(() => sockets.filter((socket) => socket.resume().closed || socket.readableEnded).length >= 2, {
      what: 'two to be refused',
    });
    for (const socket of sockets) socket.destroy();
    await eventually(async () => (await connections(served.app)) === 0, { what: 'all to be closed' });
  }
  assert.ok(served.refusals.length >= 40);
});

test('a client that does not complete its request head or its TLS handshake is disconnected after 10 to 15 seconds', async () => {
  await using plain = await serve({});
  await using encrypted = await serve({ tls: createAuthority().issue() });
  const sockets = await Promise.all([plain.connectFrom(HERE), plain.connectFrom(HERE), encrypted.connectFrom(HERE)]);
  let at = 0;
  const closed = () => {
    // Sends a byte of a request head from time to time.
    if (at++ % 25 === 0 && sockets[0]?.writable) sockets[0].write('GET / HTTP/1.1\r\nx: y'[at % 10] ?? '');
    for (const socket of sockets) socket.resume();
    return sockets.every((socket) => socket.readableEnded || socket.closed);
  };
  await eventually(closed, { what: 'the server to disconnect', deadlineMs: 20_000 });
  assert.equal(plain.app.server.requestTimeout, 30_000);
  assert.equal(encrypted.app.server.requestTimeout, 30_000);
});

function connections(app: FastifyInstance): Promise<number> {
  return new Promise((resolve, reject) => {
    app.server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}
