import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';

/** Pattern of a public key in messages. */
export const PUBLIC_KEY_PATTERN = /^[A-Za-z0-9_-]{43}$/;

/** A new Ed25519 private key for an agent or a control plane, as PKCS#8 PEM. The caller must keep it secret. */
export function newSigningKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** Reads the PEM text of {@link newSigningKey}. @throws when the text is not an Ed25519 private key */
export function loadSigningKey(pem: string): KeyObject {
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`Expected an Ed25519 key, not ${key.asymmetricKeyType}`);
  return key;
}

/** The public half as messages contain it: the raw 32 bytes in base64url (RFC 8037 `x`). */
export function publicKeyOf(privateKey: KeyObject): string {
  return createPublicKey(privateKey).export({ format: 'jwk' }).x ?? '';
}

/** Reads the text of {@link publicKeyOf}; null when the text is not such a key. */
export function parsePublicKey(text: string): KeyObject | null {
  if (!PUBLIC_KEY_PATTERN.test(text)) return null;
  try {
    return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: text } });
  } catch {
    return null;
  }
}
