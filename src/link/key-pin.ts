import { createHash, type X509Certificate } from 'node:crypto';

/** The form of a pin: 32 bytes in base64url. */
export const KEY_PIN_PATTERN = /^[A-Za-z0-9_-]{43}$/;

/** What a link-token says of a certificate: the SHA-256 of its public key (SubjectPublicKeyInfo, as RFC 7469), base64url. */
export function keyPinOf(certificate: X509Certificate): string {
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(key).digest('base64url');
}
