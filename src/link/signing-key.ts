import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';

/** The form of a public key as it travels. */
export const PUBLIC_KEY_PATTERN = /^[A-Za-z0-9_-]{43}$/;

/** A new Ed25519 key of an agent or of a control plane: PKCS#8 PEM, to be kept where nobody else may read it. */
export function newSigningKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** The key of a PEM text that {@link newSigningKey} made. @throws when the text is not an Ed25519 private key */
export function loadSigningKey(pem: string): KeyObject {
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`Expected an Ed25519 key, not ${key.asymmetricKeyType}`);
  return key;
}

/** The public half as it travels: the raw 32 bytes in base64url (RFC 8037 `x`). */
export function publicKeyOf(privateKey: KeyObject): string {
  return createPublicKey(privateKey).export({ format: 'jwk' }).x ?? '';
}

/** The key that {@link publicKeyOf} wrote, or null where the text is no such key. */
export function parsePublicKey(text: string): KeyObject | null {
  if (!PUBLIC_KEY_PATTERN.test(text)) return null;
  try {
    return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: text } });
  } catch {
    return null;
  }
}
