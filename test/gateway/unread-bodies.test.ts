import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { loadSigningKey, newSigningKey, signRequest } from '../../src/link/index.ts';
import { startControlPlane } from '../atlas-api/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { linkAgent } from './agent-client.ts';

const FOUR_MEBIBYTES = 4 * 1024 * 1024;

/** Sends the head of a request and one byte of its body. @returns the answer to that */
async function answerToHead(url: string, path: string, headers: Record<string, string>): Promise<string> {
  const socket: Socket = connect(Number(new URL(url).port), '127.0.0.1');
  let heard = '';
  socket.on('error', () => undefined).on('data', (chunk) => (heard += chunk));
  await once(socket, 'connect');
  const lines = Object.entries({ host: 'h', 'content-type': 'application/json', ...headers });
  socket.write(`POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n{`);
  await eventually(() => heard.includes('errorCode'), { what: 'an answer before the body has arrived' });
  socket.destroy();
  return heard;
}

test('a request that no linked agent signed is refused before its body arrives', async () => {
  await using plane = await startControlPlane();
  const agent = await linkAgent(plane);
  const length = { 'content-length': String(FOUR_MEBIBYTES - 1) };
  const signed = signRequest(
    loadSigningKey(newSigningKey()),
    { method: 'POST', target: '/link/v1/report', body: '{}' },
    { agentId: agent.agentId, audience: agent.audience },
    Date.now(),
  );
  for (const path of ['/link/v1/report', '/link/v1/poll']) {
    const refusal = await answerToHead(plane.url, path, length);
    assert.match(refusal, /401 [\s\S]*PROOF_MISSING/);
    assert.match(refusal, /connection: close/, 'the rest of the body is not read');
    const stranger = { ...length, 'linkspan-agent': 'f'.repeat(24) };
    assert.match(await answerToHead(plane.url, path, stranger), /401 [\s\S]*AGENT_UNKNOWN/);
  }
  assert.match(await answerToHead(plane.url, '/link/v1/report', { ...length, ...signed }), /401 [\s\S]*PROOF_WRONG/);
});

test('a body that is too long for a redemption or a poll is refused by its Content-Length', async () => {
  await using plane = await startControlPlane();
  assert.match(await answerToHead(plane.url, '/link/v1/redeem', { 'content-length': '9000' }), /413 /);
});

test('a body that differs from the signed one is refused', async () => {
  await using plane = await startControlPlane();
  const agent = await linkAgent(plane);
  const answer = await agent.send('report', { sequence: 1 }, { headers: { 'linkspan-digest': 'a'.repeat(64) } });
  assert.deepEqual([answer.status, answer.json.errorCode], [401, 'PROOF_WRONG']);
});
