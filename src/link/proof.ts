import { createHash, type KeyObject, randomBytes, sign, verify } from 'node:crypto';
import { UserError } from '../platform/index.ts';

/** How far the clocks of agent and control plane may be apart. */
export const CLOCK_TOLERANCE_MS = 5 * 60_000;

/** The headers of a signed request, in the manner of RFC 9449: a copied request is worth nothing. */
export const proofHeaders = {
  /** The agent's id; absent at redemption, where the body carries the key. */
  agent: 'linkspan-agent',
  /** When it was signed, milliseconds since the epoch. */
  time: 'linkspan-time',
  /** 16 random bytes, base64url; used once. */
  nonce: 'linkspan-nonce',
  /** Ed25519, base64url, over the lines of {@link signedText}. */
  signature: 'linkspan-signature',
} as const;

export interface SignedParts {
  readonly method: string;
  /** Path and query, byte for byte as in the request line. */
  readonly target: string;
  /** The body as sent; empty where there is none. */
  readonly body: string | Buffer;
}

/**
 * Signs a request with the agent's key.
 * @param agentId  absent at redemption
 * @returns the headers to send with it
 */
export function signRequest(
  privateKey: KeyObject,
  parts: SignedParts,
  agentId: string | undefined,
  nowMs: number,
): Record<string, string> {
  const time = String(nowMs);
  const nonce = randomBytes(16).toString('base64url');
  const signature = sign(null, signedText(parts, agentId ?? '', time, nonce), privateKey).toString('base64url');
  return {
    ...(agentId === undefined ? {} : { [proofHeaders.agent]: agentId }),
    [proofHeaders.time]: time,
    [proofHeaders.nonce]: nonce,
    [proofHeaders.signature]: signature,
  };
}

/** What a genuine request says about itself, for {@link ReplayGuard}. */
export interface Proof {
  readonly nonce: string;
  readonly signedAtMs: number;
}

/**
 * Checks that a request was signed with the key, lately, and not changed since.
 * @param headers  lower-case names, as Node gives them
 * @throws UserError PROOF_MISSING, PROOF_WRONG, CLOCK_SKEW
 */
export function verifyRequest(
  publicKey: KeyObject,
  parts: SignedParts,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  nowMs: number,
): Proof {
  const time = headers[proofHeaders.time];
  const nonce = headers[proofHeaders.nonce];
  const signature = headers[proofHeaders.signature];
  if (typeof time !== 'string' || typeof nonce !== 'string' || typeof signature !== 'string') {
    throw new UserError('PROOF_MISSING');
  }
  if (!/^\d{1,15}$/.test(time) || !/^[\w-]{22}$/.test(nonce)) throw new UserError('PROOF_WRONG');
  const agentId = headers[proofHeaders.agent] ?? '';
  if (typeof agentId !== 'string') throw new UserError('PROOF_WRONG');
  const text = signedText(parts, agentId, time, nonce);
  if (!verify(null, text, publicKey, Buffer.from(signature, 'base64url'))) throw new UserError('PROOF_WRONG');
  // After the signature, so that only the holder of the key learns how far apart the clocks are.
  if (Math.abs(Number(time) - nowMs) > CLOCK_TOLERANCE_MS) {
    throw new UserError('CLOCK_SKEW', [timeOf(Number(time)), timeOf(nowMs)]);
  }
  return { nonce, signedAtMs: Number(time) };
}

/** A time to the second. What a clock can't say at all stays a number. */
function timeOf(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString().replace(/\.\d+Z$/, 'Z');
}

function signedText(parts: SignedParts, agentId: string, time: string, nonce: string): Buffer {
  const bodyHash = createHash('sha256').update(parts.body).digest('hex');
  return Buffer.from(['linkspan-link-1', parts.method, parts.target, agentId, time, nonce, bodyHash].join('\n'));
}
