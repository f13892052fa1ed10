import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { addOrganization, startControlPlane } from '../atlas-api/control-plane.ts';
import { FakeClock } from '../atlas-api/fake-clock.ts';
import { eventually } from '../support/eventually.ts';
import { AgentClient, linkAgent } from './agent-client.ts';

const GIGABYTE = 1_000_000_000;
const REDEEM = 'POST /link/v1/redeem HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n';

async function open(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Collects what the server sends on a socket. */
function heardBy(socket: Socket): () => string {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  return () => text;
}

test('a body of a gigabyte is refused by its Content-Length, and a body without one after four megabytes', async () => {
  await using plane = await startControlPlane();
  const announced = await open(plane.url);
  const refusal = heardBy(announced);
  announced.write(`${REDEEM}Content-Length: ${GIGABYTE}\r\n\r\n{`);
  await eventually(() => /^HTTP\/1\.1 413 .*PAYLOAD_TOO_LARGE/s.test(refusal()), { what: 'the refusal' });
  announced.destroy();

  const endless = await open(plane.url);
  const heard = heardBy(endless);
  endless.write(`${REDEEM}Transfer-Encoding: chunked\r\n\r\n`);
  const chunk = `100000\r\n${'x'.repeat(0x100000)}\r\n`;
  let sent = 0;
  while (!endless.destroyed && sent < GIGABYTE && !heard().includes('413')) {
    sent += 0x100000;
    if (!endless.write(chunk))
      await Promise.race([once(endless, 'drain'), once(endless, 'close')]).catch(() => undefined);
    await new Promise(setImmediate);
  }
  await eventually(() => /^HTTP\/1\.1 413 /.test(heard()) || endless.destroyed, { what: 'the end of the body' });
  endless.destroy();
  assert.ok(sent < GIGABYTE / 10, `${sent} bytes were taken`);
});

test('hundreds of clients that send nothing, or one byte at a time, do not keep an agent from being served', async () => {
  await using plane = await startControlPlane();
  const agent = await linkAgent(plane);
  const sockets = await Promise.all(Array.from({ length: 400 }, () => open(plane.url)));
  for (const [at, socket] of sockets.entries()) if (at % 2) socket.write(REDEEM);
  const drip = () => {
    for (const [at, socket] of sockets.entries()) if (at % 2) socket.write('x');
  };
  const took: number[] = [];
  for (let round = 0; round < 20; round += 1) {
    drip();
    const began = performance.now();
    assert.equal((await agent.report({})).status, 200);
    took.push(performance.now() - began);
  }
  const median = took.toSorted((a, b) => a - b)[took.length / 2] ?? Infinity;
  assert.ok(median < 2_000, `${took.map(Math.round).join(', ')} ms`);
  // Node disconnects slower requests. It checks every half minute, which is too long for this test.
  const { headersTimeout, requestTimeout } = plane.app.server;
  assert.ok(headersTimeout > 0 && headersTimeout <= 60_000 && requestTimeout > 0 && requestTimeout <= 60_000);
  for (const socket of sockets) socket.destroy();
});

// id: loop-time-used-up
test('an organization whose reports take too long to read waits, and the agents of others are heard', async () => {
  await using plane = await startControlPlane({ clock: new FakeClock() });
  const greedy = await linkAgent(plane);
  const user = await addOrganization(plane, 'f'.repeat(24), ['ORG_OWNER']);
  const path = `/api/atlas/v2/orgs/${'f'.repeat(24)}/liveMigrations/linkTokens`;
  const token = String((await plane.api('POST', path, { user, body: {} })).json.linkToken);
  const other = new AgentClient(plane.url, undefined, () => plane.control.clock.now());
  other.agentId = String((await other.redeem(token, 'host-1')).json.agentId);
  const validations = Array.from({ length: 1_000 }, () => ({ findings: Array.from({ length: 470 }, () => 0) }));
  const statuses = new Set<number>();
  for (let sent = 0; sent < 200 && !statuses.has(503); sent += 1)
    statuses.add((await greedy.report({ validations })).status);
  assert.ok(statuses.has(503));
  assert.equal((await other.report({})).status, 200);
});
