import { createHash, type KeyObject, sign, verify } from 'node:crypto';
import { parsePublicKey, publicKeyOf } from './signing-key.ts';

/** The header of a signed answer: for each key of the control plane its public half, a dot, and an Ed25519 signature; separated by commas. */
export const ANSWER_HEADER = 'linkspan-answer';

/** The text that an answer's signature is over. */
export interface AnswerParts {
  /** The request's own signature, so that an answer is good for this request alone; empty where it had none. */
  readonly requestSignature: string;
  readonly status: number;
  readonly body: string;
}

/** Signs an answer with every key that agents may trust: during a rotation some know only the former one. */
export function signAnswer(keys: readonly KeyObject[], parts: AnswerParts): string {
  const text = signedText(parts);
  return keys.map((key) => `${publicKeyOf(key)}.${sign(null, text, key).toString('base64url')}`).join(',');
}

/**
 * Whether one of the trusted keys has signed the answer.
 * @param trusted  public keys
 * @param header   {@link ANSWER_HEADER} as it came
 */
export function isAnswerOf(trusted: readonly string[], header: string | undefined, parts: AnswerParts): boolean {
  const text = signedText(parts);
  return (header ?? '').split(',').some((entry) => {
    const [publicKey = '', signature = ''] = entry.trim().split('.');
    const key = trusted.includes(publicKey) ? parsePublicKey(publicKey) : null;
    return key !== null && verify(null, text, key, Buffer.from(signature, 'base64url'));
  });
}

function signedText({ requestSignature, status, body }: AnswerParts): Buffer {
  const digest = createHash('sha256').update(body).digest('hex');
  return Buffer.from(['linkspan-answer-1', requestSignature, String(status), digest].join('\n'));
}
