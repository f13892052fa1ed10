import { hash } from 'node:crypto';

/** The algorithms of RFC 7616 that Linkspan supports. No Atlas client sends the -sess variants. */
export type DigestAlgorithm = 'MD5' | 'SHA-256';

export interface ResponseParts {
  readonly algorithm: DigestAlgorithm;
  readonly ha1: string;
  readonly method: string;
  readonly uri: string;
  readonly nonce: string;
  readonly nc: string;
  readonly cnonce: string;
}

/** The `response` that a client has to send (RFC 7616 §3.4.1, qop=auth). */
export function digestResponse(parts: ResponseParts): string {
  const ha2 = digestHash(parts.algorithm, `${parts.method}:${parts.uri}`);
  return digestHash(parts.algorithm, `${parts.ha1}:${parts.nonce}:${parts.nc}:${parts.cnonce}:auth:${ha2}`);
}

/** The algorithm's hash H(text), lower-case hex. Only Atlas's clients need MD5, because they support nothing else. */
export function digestHash(algorithm: DigestAlgorithm, text: string): string {
  return hash(algorithm === 'MD5' ? 'md5' : 'sha256', text, 'hex');
}
