import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CLOCK_TOLERANCE_MS,
  loadAgentKey,
  newAgentKey,
  parsePublicKey,
  proofHeaders,
  publicKeyOf,
  ReplayGuard,
  signRequest,
  verifyRequest,
} from '../../src/link/index.ts';

const NOW = 1_790_000_000_000;
const parts = { method: 'POST', target: '/link/v1/poll?x=1', body: '{"revision":null}' };
const agentId = '0123456789abcdef01234567';

function publicKey(of = loadAgentKey(newAgentKey())) {
  const key = parsePublicKey(publicKeyOf(of));
  assert.ok(key);
  return key;
}

const code = (expected: string) => (error: unknown) =>
  error instanceof Error && 'code' in error && error.code === expected;

const iso = (ms: number) => new Date(ms).toISOString().replace('.000Z', 'Z');

test('a request signed by the agent is accepted with its key', () => {
  const key = loadAgentKey(newAgentKey());
  const headers = signRequest(key, parts, agentId, NOW);
  assert.equal(verifyRequest(publicKey(key), parts, headers, NOW + 1000).signedAtMs, NOW);
});

test('a signature is worth nothing for another method, address, body, agent, time or key', () => {
  const key = loadAgentKey(newAgentKey());
  const headers = signRequest(key, parts, agentId, NOW);
  const refused = code('PROOF_WRONG');
  const verifying = publicKey(key);
  assert.throws(() => verifyRequest(verifying, { ...parts, method: 'PUT' }, headers, NOW), refused);
  assert.throws(() => verifyRequest(verifying, { ...parts, target: '/link/v1/poll?x=2' }, headers, NOW), refused);
  assert.throws(() => verifyRequest(verifying, { ...parts, body: '{}' }, headers, NOW), refused);
  const other = { ...headers, [proofHeaders.agent]: 'f'.repeat(24) };
  assert.throws(() => verifyRequest(verifying, parts, other, NOW), refused);
  assert.throws(
    () => verifyRequest(verifying, parts, { ...headers, [proofHeaders.time]: String(NOW + 1) }, NOW),
    refused,
  );
  assert.throws(() => verifyRequest(publicKey(), parts, headers, NOW), refused);
  assert.throws(() => verifyRequest(verifying, parts, {}, NOW), code('PROOF_MISSING'));
});

test('clocks may be five minutes apart, and not more', () => {
  const key = loadAgentKey(newAgentKey());
  const headers = signRequest(key, parts, undefined, NOW);
  for (const apart of [-CLOCK_TOLERANCE_MS, CLOCK_TOLERANCE_MS]) {
    verifyRequest(publicKey(key), parts, headers, NOW + apart);
    assert.throws(() => verifyRequest(publicKey(key), parts, headers, NOW + apart * 1.01), {
      code: 'CLOCK_SKEW',
      message: `The agent's clock says ${iso(NOW)}, the control plane's says ${iso(NOW + apart * 1.01)}; they may be five minutes apart.`,
    });
  }
});

test('a copied request is refused as long as its time would be accepted', () => {
  const guard = new ReplayGuard();
  const proof = { nonce: 'n', signedAtMs: NOW };
  guard.admit('a', proof, NOW - CLOCK_TOLERANCE_MS);
  guard.admit('b', proof, NOW - CLOCK_TOLERANCE_MS);
  for (const at of [0, CLOCK_TOLERANCE_MS]) {
    guard.admit('a', { nonce: `other ${at}`, signedAtMs: NOW }, NOW + at);
    assert.throws(() => guard.admit('a', proof, NOW + at), code('REQUEST_REPLAYED'));
  }
});

test('what is not a 32-byte key is no public key', () => {
  for (const text of ['', 'x', 'A'.repeat(42), `${'A'.repeat(42)}=`, 'A'.repeat(44)])
    assert.equal(parsePublicKey(text), null);
});
