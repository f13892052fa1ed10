import { createHash, type X509Certificate } from 'node:crypto';

/** Pattern of a key pin: 32 bytes in base64url. */
export const KEY_PIN_PATTERN = /^[A-Za-z0-9_-]{43}$/;

/** The pin of a certificate in a link-token: SHA-256 of its public key (SubjectPublicKeyInfo, as in RFC 7469), base64url. */
export function keyPinOf(certificate: X509Certificate): string {
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(key).digest('base64url');
}
