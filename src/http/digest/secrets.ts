import { type DigestAlgorithm, digestHash } from '../../digest/index.ts';

/** Atlas's own realm. It is part of every stored HA1, so changing it would invalidate every API key. */
export const REALM = 'MMS Public API';

/** The password-equivalents of one API key: H(public key:realm:private key) for each algorithm, lower-case hex. */
export type DigestSecrets = Readonly<Record<DigestAlgorithm, string>>;

/** The hashes of an API key's private key that the store keeps, sealed. Fast hashes are safe: the server creates private keys, and they are long. */
export function digestSecrets(publicKey: string, privateKey: string): DigestSecrets {
  const text = `${publicKey}:${REALM}:${privateKey}`;
  return { MD5: digestHash('MD5', text), 'SHA-256': digestHash('SHA-256', text) };
}
