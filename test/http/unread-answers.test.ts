import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { createServer } from '../../src/http/index.ts';
import { silentLogger } from '../../src/platform/index.ts';
import { eventually } from '../support/eventually.ts';
import { requestFrom } from '../support/request-from.ts';

const MEBIBYTE = 1024 * 1024;
const HERE = '127.0.0.1';

test('a client that does not read its answers gets no further large one, and others do', async () => {
  const app = createServer({ logger: silentLogger });
  const large = Buffer.alloc(20 * MEBIBYTE, 'x');
  app.get('/large', async () => large);
  const url = await app.listen({ host: HERE, port: 0 });
  const statusFrom = async (address: string) => (await requestFrom(address, `${url}/large`)).status;
  const socket = connect({ host: HERE, port: Number(new URL(url).port) });
  socket.on('error', () => undefined).pause();
  await once(socket, 'connect');
  socket.write('GET /large HTTP/1.1\r\nhost: h\r\n\r\n');
  await eventually(async () => (await statusFrom(HERE)) === 503, { what: 'the refusal' });
  assert.equal(await statusFrom('127.0.0.2'), 200);
  socket.destroy();
  await eventually(async () => (await statusFrom(HERE)) === 200, { what: 'the memory to be released' });
  await app.close();
});
