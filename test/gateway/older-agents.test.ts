import assert from 'node:assert/strict';
import { createHash, verify } from 'node:crypto';
import { test } from 'node:test';
import { AnswerKey, loadSigningKey, newSigningKey, parsePublicKey, signRequest } from '../../src/link/index.ts';
import { startControlPlane } from '../atlas-api/control-plane.ts';
import { FakeClock } from '../atlas-api/fake-clock.ts';
import { AgentClient, createToken } from './agent-client.ts';

const SIX_MINUTES_MS = 360_000;

/** Whether an agent of 0.2.0 accepts an answer: one entry of the header signs the request's signature, the status and the body. */
async function isAcceptedBy0_2(answer: Response, requestSignature: string, serverKey: string): Promise<boolean> {
  const key = parsePublicKey(serverKey);
  assert.ok(key);
  const digest = createHash('sha256')
    .update(await answer.text())
    .digest('hex');
  const text = Buffer.from(['linkspan-answer-1', requestSignature, String(answer.status), digest].join('\n'));
  const entries = (answer.headers.get('linkspan-answer') ?? '').split(',').map((entry) => entry.trim().split('.'));
  return entries.some(
    ([name, signature = '']) => name === serverKey && verify(null, text, key, Buffer.from(signature, 'base64url')),
  );
}

test('agents of 0.2.0 accept answers to their own requests, and none to another request with their signature', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const key = loadSigningKey(newSigningKey());
  const agent = new AgentClient(plane.url, key, () => clock.now());
  agent.agentId = String((await agent.redeem(await createToken(plane))).json.agentId);
  const body = JSON.stringify({ revision: null, waitSeconds: 0, answerKey: new AnswerKey().publicKey });
  const signed = (nowMs = clock.now()) =>
    signRequest(key, { method: 'POST', target: '/link/v1/poll', body }, agent, nowMs);
  const isAccepted = async (headers: Record<string, string>, path = 'poll') => {
    const answer = await fetch(`${plane.url}/link/v1/${path}`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers },
    });
    return await isAcceptedBy0_2(answer, headers['linkspan-signature'] ?? '', agent.audience);
  };

  const poll = signed();
  assert.ok(await isAccepted(poll));
  assert.ok(await isAccepted(poll), 'a replay, whose signature is valid');
  assert.ok(await isAccepted(signed(clock.now() - SIX_MINUTES_MS)), 'the difference of the clocks');
  assert.ok(!(await isAccepted({ ...signed(), 'linkspan-agent': 'f'.repeat(24) })));
  assert.ok(!(await isAccepted({ ...signed(), 'linkspan-time': String(clock.now() + 1) })));
  assert.ok(!(await isAccepted(signed(), 'report')));
  await plane.api('DELETE', `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations/linkTokens`);
  assert.ok(await isAccepted(signed()), 'the end of the link');
});
