import type { FastifyRequest } from 'fastify';
import type { Control } from '../control/index.ts';
import { bodyOf } from '../http/index.ts';
import {
  assertBody,
  assertCurrent,
  type Proof,
  parsePublicKey,
  proofHeaders,
  type RequestHead,
  verifyHead,
} from '../link/index.ts';
import { UserError } from '../platform/index.ts';

/**
 * Checks that a body is the one that the head of its request names. Must hold before a refusal that depends on the body: the answer is signed
 * for the head alone, so with another body it would be an answer about a request that the agent did not send. A head without a digest is not
 * that of an agent, and {@link assertSigned} refuses it.
 * @throws UserError PROOF_WRONG
 */
export function assertNamedBody(request: FastifyRequest): void {
  const digest = request.headers[proofHeaders.digest];
  if (typeof digest === 'string') assertBody({ digest }, bodyOf(request));
}

/**
 * Checks that the holder of a public key signed a request for this control plane a moment ago. Does not check the body.
 * @throws UserError PROOF_MISSING, PROOF_WRONG, PROOF_FOR_ANOTHER, CLOCK_SKEW
 */
export function assertSigned({ serverKeys, clock }: Control, request: FastifyRequest, publicKey: string): Proof {
  const key = parsePublicKey(publicKey);
  if (!key) throw new UserError('PROOF_WRONG');
  const proof = verifyHead(key, headOf(request), request.headers);
  assertCurrent(proof, { audiences: serverKeys.publicKeys, nowMs: clock.now() });
  return proof;
}

/** The request line that the client sent. */
export function headOf(request: FastifyRequest): RequestHead {
  return { method: request.method, target: request.originalUrl };
}
