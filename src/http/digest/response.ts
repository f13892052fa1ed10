import { hash } from 'node:crypto';
import type { DigestAlgorithm } from './header.ts';

/** Atlas's own realm. It is part of every stored HA1, so changing it would invalidate every API key. */
export const REALM = 'MMS Public API';

/** The password-equivalents of one API key: H(public key:realm:private key) for each algorithm, lower-case hex. */
export type DigestSecrets = Readonly<Record<DigestAlgorithm, string>>;

/** The hashes of an API key's private key that the store keeps, sealed. Fast hashes are safe: the server creates private keys, and they are long. */
export function digestSecrets(publicKey: string, privateKey: string): DigestSecrets {
  const text = `${publicKey}:${REALM}:${privateKey}`;
  return { MD5: digestHash('MD5', text), 'SHA-256': digestHash('SHA-256', text) };
}

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
