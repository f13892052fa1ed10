import { createHash, type KeyObject, sign, verify } from 'node:crypto';
import { parsePublicKey, publicKeyOf } from './signing-key.ts';

/** The header with an answer's signatures: for each key `publicKey.signature` (Ed25519), separated by commas. */
export const ANSWER_HEADER = 'linkspan-answer';

/** The signed parts of an answer. */
export interface AnswerParts {
  /**
   * The request's {@link signedHead}, as the control plane received it and as the agent sent it. Without it, an attacker who copies the
   * signature into another request gets an answer to that request, which the agent takes for its own.
   */
  readonly requestHead: string;
  /** The request's signature; empty when the request had none. */
  readonly requestSignature: string;
  readonly status: number;
  readonly body: string;
}

/** Signs an answer with every key that agents may trust. During a rotation, some agents know only the former key. */
export function signAnswer(keys: readonly KeyObject[], parts: AnswerParts): string {
  const text = signedText(parts);
  return keys.map((key) => `${publicKeyOf(key)}.${sign(null, text, key).toString('base64url')}`).join(',');
}

/**
 * Whether one of the trusted keys signed the answer.
 * @param trusted  public keys
 * @param header   value of {@link ANSWER_HEADER}
 */
export function isAnswerOf(trusted: readonly string[], header: string | undefined, parts: AnswerParts): boolean {
  const text = signedText(parts);
  return (header ?? '').split(',').some((entry) => {
    const [publicKey = '', signature = ''] = entry.trim().split('.');
    const key = trusted.includes(publicKey) ? parsePublicKey(publicKey) : null;
    return key !== null && verify(null, text, key, Buffer.from(signature, 'base64url'));
  });
}

function signedText({ requestHead, requestSignature, status, body }: AnswerParts): Buffer {
  const digest = createHash('sha256').update(body).digest('hex');
  // rule: answer-binds-request
  const lines = ['linkspan-answer-2', requestHead, requestSignature, String(status), digest];
  return Buffer.from(lines.join('\n'));
}
