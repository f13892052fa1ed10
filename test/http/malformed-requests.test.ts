import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { createServer } from '../../src/http/index.ts';
import { silentLogger } from '../../src/platform/index.ts';

test('a request with two Host headers is refused as malformed, also at a path that exists', async () => {
  const app = createServer({ logger: silentLogger });
  app.get('/here', async () => 'here');
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const statusOf = async (...headers: string[]) => {
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port) });
    socket.end(`GET /here HTTP/1.1\r\n${headers.map((one) => `${one}\r\n`).join('')}connection: close\r\n\r\n`);
    const [answer] = (await once(socket.setEncoding('utf8'), 'data')) as [string];
    socket.destroy();
    return answer.split(' ')[1];
  };
  assert.equal(await statusOf('Host: a'), '200');
  assert.equal(await statusOf('Host: a', 'hOST: b'), '400');
  await app.close();
});
