import assert from 'node:assert/strict';
import type { KeyObject } from 'node:crypto';
import { test } from 'node:test';
import {
  assertBody,
  assertCurrent,
  CLOCK_TOLERANCE_MS,
  isAnswerOf,
  loadSigningKey,
  newSigningKey,
  type Proof,
  parsePublicKey,
  proofHeaders,
  publicKeyOf,
  ReplayGuard,
  signAnswer,
  signedHead,
  signRequest,
  verifyHead,
} from '../../src/link/index.ts';

const NOW = 1_790_000_000_000;
const parts = { method: 'POST', target: '/link/v1/poll?x=1', body: '{"revision":null}' };
const agentId = '0123456789abcdef01234567';

const AUDIENCE = 'k'.repeat(43);
const PARTIES = { agentId, audience: AUDIENCE };

/** Checks a request as a server does: its head, then its body. */
function verifyRequest(key: KeyObject, request: typeof parts, headers: Record<string, string>, nowMs: number): Proof {
  const proof = verifyHead(key, request, headers);
  assertCurrent(proof, { audiences: ['other', AUDIENCE], nowMs });
  assertBody(proof, Buffer.from(request.body));
  return proof;
}

function publicKey(of = loadSigningKey(newSigningKey())) {
  const key = parsePublicKey(publicKeyOf(of));
  assert.ok(key);
  return key;
}

const code = (expected: string) => (error: unknown) =>
  error instanceof Error && 'code' in error && error.code === expected;

const iso = (ms: number) => new Date(ms).toISOString().replace('.000Z', 'Z');

test('a request signed by the agent is accepted with its key', () => {
  const key = loadSigningKey(newSigningKey());
  const headers = signRequest(key, parts, PARTIES, NOW);
  assert.equal(verifyRequest(publicKey(key), parts, headers, NOW + 1000).signedAtMs, NOW);
});

test('a signature is invalid for another method, address, body, agent, time or key', () => {
  const key = loadSigningKey(newSigningKey());
  const headers = signRequest(key, parts, PARTIES, NOW);
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
  for (const name of [proofHeaders.digest, proofHeaders.nonce, proofHeaders.audience])
    assert.throws(() => verifyRequest(verifying, parts, { ...headers, [name]: 'x'.repeat(22) }, NOW), refused, name);
  assert.throws(() => verifyRequest(publicKey(), parts, headers, NOW), refused);
  assert.throws(() => verifyRequest(verifying, parts, {}, NOW), code('PROOF_MISSING'));
});

test('clocks may differ by at most five minutes', () => {
  const key = loadSigningKey(newSigningKey());
  const headers = signRequest(key, parts, { ...PARTIES, agentId: undefined }, NOW);
  for (const apart of [-CLOCK_TOLERANCE_MS, CLOCK_TOLERANCE_MS]) {
    verifyRequest(publicKey(key), parts, headers, NOW + apart);
    assert.throws(() => verifyRequest(publicKey(key), parts, headers, NOW + apart * 1.01), {
      code: 'CLOCK_SKEW',
      message: `The agent's clock says ${iso(NOW)}, the control plane's says ${iso(NOW + apart * 1.01)}. They may differ by at most five minutes.`,
    });
  }
});

test('a replayed request is refused as long as its timestamp is valid', () => {
  const guard = new ReplayGuard();
  const proof = { audience: AUDIENCE, nonce: 'n', signedAtMs: NOW, digest: '' };
  guard.admit('a', proof, NOW - CLOCK_TOLERANCE_MS);
  guard.admit('b', proof, NOW - CLOCK_TOLERANCE_MS);
  for (const at of [0, CLOCK_TOLERANCE_MS]) {
    guard.admit('a', { ...proof, nonce: `other ${at}` }, NOW + at);
    assert.throws(() => guard.admit('a', proof, NOW + at), code('REQUEST_REPLAYED'));
  }
});

test('a public key that is not 32 bytes long is refused', () => {
  for (const text of ['', 'x', 'A'.repeat(42), `${'A'.repeat(42)}=`, 'A'.repeat(44)])
    assert.equal(parsePublicKey(text), null);
});

test('a request signed for one control plane is invalid at another', () => {
  const key = loadSigningKey(newSigningKey());
  const headers = signRequest(key, parts, { ...PARTIES, audience: 'x'.repeat(43) }, NOW);
  assert.throws(() => verifyRequest(publicKey(key), parts, headers, NOW), code('PROOF_FOR_ANOTHER'));
});

test('a signed answer is valid only for its request, status and body, and only with a trusted key', () => {
  const [key, former, strange] = [1, 2, 3].map(() => loadSigningKey(newSigningKey()));
  assert.ok(key && former && strange);
  const requestHead = signedHead(parts, signRequest(key, parts, PARTIES, NOW));
  const answer = { requestHead, requestSignature: 'request', status: 410, body: '{"errorCode":"LINK_DELETED"}' };
  const header = signAnswer([key, former], answer);
  for (const trusted of [[publicKeyOf(key)], [publicKeyOf(former)], ['x', publicKeyOf(key)]])
    assert.ok(isAnswerOf(trusted, header, answer));
  assert.ok(!isAnswerOf([publicKeyOf(strange)], header, answer));
  assert.ok(!isAnswerOf([publicKeyOf(key)], signAnswer([strange], answer), answer));
  // The signature of this key under the name of a trusted key.
  const [, forged = ''] = signAnswer([strange], answer).split('.');
  assert.ok(!isAnswerOf([publicKeyOf(key)], `${publicKeyOf(key)}.${forged}`, answer));
  for (const other of [{ requestSignature: 'another' }, { status: 200 }, { body: '{}' }])
    assert.ok(!isAnswerOf([publicKeyOf(key)], header, { ...answer, ...other }));
  for (const none of [undefined, '', ',', '.', publicKeyOf(key)])
    assert.ok(!isAnswerOf([publicKeyOf(key)], none, answer));
});

test('a signed answer is invalid for a request with another method, address, agent, control plane, time, nonce or body', () => {
  const key = loadSigningKey(newSigningKey());
  const headers = signRequest(key, parts, PARTIES, NOW);
  const requestSignature = headers[proofHeaders.signature] ?? '';
  const answer = { requestHead: signedHead(parts, headers), requestSignature, status: 401, body: '{}' };
  const header = signAnswer([key], answer);
  const others = [
    signedHead({ ...parts, method: 'PUT' }, headers),
    signedHead({ ...parts, target: '/link/v1/poll' }, headers),
    ...[proofHeaders.agent, proofHeaders.audience, proofHeaders.time, proofHeaders.nonce, proofHeaders.digest].flatMap(
      (name) => [signedHead(parts, { ...headers, [name]: 'x' }), signedHead(parts, { ...headers, [name]: undefined })],
    ),
  ];
  for (const requestHead of others)
    assert.ok(!isAnswerOf([publicKeyOf(key)], header, { ...answer, requestHead }), requestHead);
});
