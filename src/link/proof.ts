import { createHash, type KeyObject, randomBytes, sign, verify } from 'node:crypto';
import { UserError } from '../platform/index.ts';

/** Maximum difference between the clocks of agent and control plane. */
export const CLOCK_TOLERANCE_MS = 5 * 60_000;

/** The headers of a signed request, similar to RFC 9449: the server refuses a copied request. */
export const proofHeaders = {
  /** The agent's id; absent at redemption, where the body carries the key. */
  agent: 'linkspan-agent',
  /** Public key of the control plane that the request is for. Another control plane refuses the request. */
  audience: 'linkspan-audience',
  /** Time of signing, in milliseconds since the epoch. */
  time: 'linkspan-time',
  /** 16 random bytes, base64url; used once. */
  nonce: 'linkspan-nonce',
  /** SHA-256 of the body in hexadecimal, so that the signature can be checked before the body is read. */
  digest: 'linkspan-digest',
  /** Ed25519, base64url, over the text of {@link signedHead}. */
  signature: 'linkspan-signature',
} as const;

export interface RequestHead {
  readonly method: string;
  /** Path and query, byte for byte as in the request line. */
  readonly target: string;
}

export type SignedParts = RequestHead & {
  /** The body as sent; empty when there is none. */
  readonly body: string | Buffer;
};

/** The sender and the receiver of a request. */
export interface Parties {
  /** Absent at redemption. */
  readonly agentId: string | undefined;
  /** Public key of the control plane. */
  readonly audience: string;
}

/**
 * Signs a request with the agent's key.
 * @returns the headers to send with it
 */
export function signRequest(
  privateKey: KeyObject,
  { body, ...head }: SignedParts,
  { agentId, audience }: Parties,
  nowMs: number,
): Record<string, string> {
  const headers = {
    ...(agentId === undefined ? {} : { [proofHeaders.agent]: agentId }),
    [proofHeaders.audience]: audience,
    [proofHeaders.time]: String(nowMs),
    [proofHeaders.nonce]: randomBytes(16).toString('base64url'),
    [proofHeaders.digest]: digestOf(body),
  };
  const signature = sign(null, Buffer.from(signedHead(head, headers)), privateKey).toString('base64url');
  return { ...headers, [proofHeaders.signature]: signature };
}

/** Headers with lower-case names, as in Node. */
type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * The text that a request's signature covers, from its headers as sent or as received. A missing header counts as empty. No two heads have
 * the same text, because neither a request line nor a header contains a line break.
 */
export function signedHead({ method, target }: RequestHead, headers: Headers): string {
  const { audience, agent, time, nonce, digest } = proofHeaders;
  const values = [audience, agent, time, nonce, digest].map((name) => String(headers[name] ?? ''));
  return ['linkspan-link-2', method, target, ...values].join('\n');
}

/** The signed fields of a verified request. */
export interface Proof {
  /** Public key of the control plane that the request is for. */
  readonly audience: string;
  readonly nonce: string;
  readonly signedAtMs: number;
  /** SHA-256 of the signed body, for {@link assertBody}. */
  readonly digest: string;
}

/**
 * Verifies the signature of a request before its body is read: the key, and an unchanged head.
 * @throws UserError PROOF_MISSING, PROOF_WRONG
 */
export function verifyHead(publicKey: KeyObject, head: RequestHead, headers: Headers): Proof {
  const { signature, ...proof } = readProof(headers);
  const text = Buffer.from(signedHead(head, headers));
  if (!verify(null, text, publicKey, Buffer.from(signature, 'base64url'))) throw new UserError('PROOF_WRONG');
  return proof;
}

/**
 * Checks the control plane and the time of a verified request. Called after {@link verifyHead}, so that only the holder of the key learns the
 * difference of the clocks.
 * @param audiences  public keys of this control plane
 * @throws UserError PROOF_FOR_ANOTHER, CLOCK_SKEW
 */
export function assertCurrent(
  { audience, signedAtMs }: Proof,
  { audiences, nowMs }: { readonly audiences: readonly string[]; readonly nowMs: number },
): void {
  if (!audiences.includes(audience)) throw new UserError('PROOF_FOR_ANOTHER');
  if (Math.abs(signedAtMs - nowMs) > CLOCK_TOLERANCE_MS) {
    throw new UserError('CLOCK_SKEW', [timeOf(signedAtMs), timeOf(nowMs)]);
  }
}

/** Checks that a body is the signed one. @throws UserError PROOF_WRONG */
export function assertBody({ digest }: Pick<Proof, 'digest'>, body: Buffer): void {
  if (digestOf(body) !== digest) throw new UserError('PROOF_WRONG');
}

/** @throws UserError PROOF_MISSING, PROOF_WRONG */
function readProof(headers: Headers): Proof & { readonly signature: string } {
  const agentId = headers[proofHeaders.agent] ?? '';
  const audience = headers[proofHeaders.audience];
  const time = headers[proofHeaders.time];
  const nonce = headers[proofHeaders.nonce];
  const digest = headers[proofHeaders.digest];
  const signature = headers[proofHeaders.signature];
  if (typeof time !== 'string' || typeof nonce !== 'string' || typeof signature !== 'string') {
    throw new UserError('PROOF_MISSING');
  }
  if (typeof agentId !== 'string' || typeof audience !== 'string' || typeof digest !== 'string')
    throw new UserError('PROOF_WRONG');
  if (!/^\d{1,15}$/.test(time) || !/^[\w-]{22}$/.test(nonce)) throw new UserError('PROOF_WRONG');
  return { audience, signedAtMs: Number(time), nonce, digest, signature };
}

function digestOf(body: string | Buffer): string {
  return createHash('sha256').update(body).digest('hex');
}

/** A time as text, to the second. An invalid time stays a number. */
function timeOf(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString().replace(/\.\d+Z$/, 'Z');
}
