import { createHash, type KeyObject, sign, verify } from 'node:crypto';
import { parsePublicKey, publicKeyOf } from './signing-key.ts';

/** The header with an answer's signatures: for each key and form `publicKey.signature` (Ed25519), separated by commas. */
export const ANSWER_HEADER = 'linkspan-answer';

/** The signed parts of an answer. */
export interface AnswerParts {
  /**
   * The request's {@link signedHead}, as the control plane received it and as the agent sent it. Without it, whoever copies the signature into
   * another request gets an answer to that one which the agent takes for its own.
   */
  readonly requestHead: string;
  /** The request's signature; empty when the request had none. */
  readonly requestSignature: string;
  readonly status: number;
  readonly body: string;
}

/**
 * The signed text of an answer. `former` is the form of agents and control planes up to 0.2.0, which is bound to the request's signature
 * alone. Signing it is safe only for a request whose signature was verified.
 */
export type AnswerForm = 'current' | 'former';

/** Signs an answer with every key that agents may trust. During a rotation, some agents know only the former key. */
export function signAnswer(keys: readonly KeyObject[], forms: readonly AnswerForm[], parts: AnswerParts): string {
  const texts = forms.map((form) => signedText(form, parts));
  const entries = texts.flatMap((text) =>
    keys.map((key) => `${publicKeyOf(key)}.${sign(null, text, key).toString('base64url')}`),
  );
  return entries.join(',');
}

/**
 * Whether one of the trusted keys signed the answer in a form.
 * @param trusted  public keys
 * @param header   value of {@link ANSWER_HEADER}
 */
export function isAnswerOf(
  trusted: readonly string[],
  header: string | undefined,
  form: AnswerForm,
  parts: AnswerParts,
): boolean {
  const text = signedText(form, parts);
  return (header ?? '').split(',').some((entry) => {
    const [publicKey = '', signature = ''] = entry.trim().split('.');
    const key = trusted.includes(publicKey) ? parsePublicKey(publicKey) : null;
    return key !== null && verify(null, text, key, Buffer.from(signature, 'base64url'));
  });
}

function signedText(form: AnswerForm, { requestHead, requestSignature, status, body }: AnswerParts): Buffer {
  const digest = createHash('sha256').update(body).digest('hex');
  const answered = [requestSignature, String(status), digest];
  // rule: answer-binds-request
  const lines =
    form === 'current' ? ['linkspan-answer-2', requestHead, ...answered] : ['linkspan-answer-1', ...answered];
  return Buffer.from(lines.join('\n'));
}
