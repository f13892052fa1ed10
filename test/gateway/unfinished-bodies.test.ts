import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { startControlPlane } from '../atlas-api/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { requestFrom } from '../support/request-from.ts';
import { residentBytes } from '../support/resident-bytes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { linkAgent } from './agent-client.ts';

const HERE = '127.0.0.1';
const ELSEWHERE = '127.0.0.2';
const FOUR_MEBIBYTES = 4 * 1024 * 1024;
const MEBIBYTE = 1024 * 1024;

/** A request whose body lacks its last byte. */
class Stalled implements Disposable {
  readonly socket: Socket;
  heard = '';

  constructor(url: string, address = HERE) {
    this.socket = connect({ host: HERE, port: Number(new URL(url).port), localAddress: address });
    this.socket.on('error', () => undefined).on('data', (chunk) => (this.heard += chunk));
  }

  /** Sends the head and `sentBytes` of the body. @param announced  Content-Length; without it the body is sent in chunks */
  async send(path: string, sentBytes: number, announced?: number): Promise<this> {
    await once(this.socket, 'connect');
    const length = announced === undefined ? 'transfer-encoding: chunked' : `content-length: ${announced}`;
    this.socket.write(`POST ${path} HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\n${length}\r\n\r\n`);
    const body = 'x'.repeat(sentBytes);
    this.socket.write(announced === undefined ? `${sentBytes.toString(16)}\r\n${body}\r\n` : body);
    return this;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  get status(): string | undefined {
    return /^HTTP\/1\.1 (\d+)/.exec(this.heard)?.[1];
  }
}

const redemption = (url: string, address: string) =>
  requestFrom(address, `${url}/link/v1/redeem`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: ' '.repeat(4_000),
  });

// id: incomplete-bodies
test('300 bodies of 4 MiB that lack their last byte take no memory, at any path', {
  skip: process.platform !== 'linux' && '/proc is read',
}, async () => {
  using folder = temporaryFolder('unfinished-bodies');
  await using server = runLinkspan(['serve', '--listen', `${HERE}:0`, '--data-dir', folder.path]);
  const [, url = ''] = await server.waitForLine(/ready at (\S+), /);
  await redemption(url, HERE);
  const before = residentBytes(server.pid);
  const paths = [
    '/link/v1/redeem',
    '/link/v1/poll',
    '/link/v1/report',
    '/link/v1/no',
    '/api/oauth/token',
    '/no',
    '/api/atlas/v2/orgs',
  ];
  using all = new DisposableStack();
  const stalled: Stalled[] = [];
  for (let at = 0; at < 300; at += 1) {
    const path = paths[at % paths.length] ?? '';
    stalled.push(await all.use(new Stalled(url)).send(path, FOUR_MEBIBYTES - 1, at % 2 ? FOUR_MEBIBYTES : undefined));
  }
  await eventually(() => stalled.every(({ status, socket }) => status !== undefined || socket.destroyed), {
    what: 'all answers',
  });
  // All bodies together have 1,200 MiB.
  const grown = residentBytes(server.pid) - before;
  assert.ok(grown < 150 * MEBIBYTE, `grown by ${Math.round(grown / MEBIBYTE)} MiB`);
  const statuses = [...new Set(stalled.map(({ status }) => status))].filter((status) => status !== undefined);
  assert.deepEqual(
    statuses.filter((status) => !['401', '404', '413', '429'].includes(status)),
    [],
  );
});

test('an address may have 1 MiB of unfinished redemptions, then it has to retry later; others and linked agents are served', async () => {
  await using plane = await startControlPlane();
  const agent = await linkAgent(plane);
  using all = new DisposableStack();
  const stalled = await Promise.all(
    Array.from({ length: 300 }, () => all.use(new Stalled(plane.url)).send('/link/v1/redeem', 8_000, 8_192)),
  );
  const held = Math.floor(MEBIBYTE / 8_000);
  await eventually(() => stalled.filter(({ status }) => status === '429').length === 300 - held, { what: 'refusals' });
  const refused = stalled.find(({ status }) => status === '429');
  assert.match(refused?.heard ?? '', /retry-after: 5\r\n[\s\S]*TOO_MANY_UNFINISHED_BODIES/);
  assert.equal(stalled.filter(({ status }) => status === undefined).length, held);
  assert.equal((await redemption(plane.url, ELSEWHERE)).status, 400);
  assert.equal((await agent.report({})).status, 200, 'an agent at that address is identified before its body is read');
  all.dispose();
  await eventually(async () => (await redemption(plane.url, HERE)).status === 400, {
    what: 'the memory to be released',
  });
});

test('all addresses together may have 16 MiB of unfinished redemptions, each leaves as much free, and strangers and agents are served', async () => {
  await using plane = await startControlPlane();
  const agent = await linkAgent(plane);
  using all = new DisposableStack();
  const stalled: Stalled[] = [];
  for (let host = 10; host < 27; host += 1) {
    const own = Array.from({ length: 128 }, () =>
      all.use(new Stalled(plane.url, `127.0.0.${host}`)).send('/link/v1/redeem', 8_000, 8_192),
    );
    stalled.push(...(await Promise.all(own)));
  }
  const refused = () => stalled.filter(({ status }) => status === '503');
  // The last one has a part of what the others leave.
  await eventually(() => refused().length > 64, { what: 'the memory to be used up' });
  assert.match(refused()[0]?.heard ?? '', /retry-after: 5\r\n[\s\S]*SERVER_BUSY/);
  const { status, headers, text } = await redemption(plane.url, '127.0.0.25');
  assert.deepEqual([status, headers['retry-after']], [503, '5'], 'it has more than is left');
  assert.match(text, /SERVER_BUSY/);
  assert.equal((await redemption(plane.url, ELSEWHERE)).status, 400);
  assert.equal((await agent.report({})).status, 200);
  all.dispose();
  await eventually(async () => (await redemption(plane.url, '127.0.0.25')).status === 400, {
    what: 'the memory to be released',
  });
});

test('a body that arrives byte by byte takes only the memory of its bytes', async () => {
  await using plane = await startControlPlane();
  using drip = await new Stalled(plane.url).send('/link/v1/redeem', 1);
  for (let at = 0; at < 8_191; at += 1) drip.socket.write('1\r\nx\r\n');
  const alive = () => drip.status === undefined && drip.socket.writableLength === 0;
  await eventually(alive, { what: 'all bytes to be read' });
  drip.socket.write('1\r\nx\r\n');
  await eventually(() => drip.status === '413', { what: 'the limit to apply to a body in chunks' });
});
