import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';

const RAW_KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Opens answers that are sealed to its public half. Each run of an agent creates a new key and never stores it, so recorded
 * answers can't be opened later.
 */
export class AnswerKey {
  readonly #privateKey: KeyObject;
  /** X25519, raw, base64url. The agent signs the request that contains it, which proves whose key it is. */
  readonly publicKey: string;

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync('x25519');
    this.#privateKey = privateKey;
    this.publicKey = rawKey(publicKey);
  }

  /** @throws when the answer was sealed to another key, or was changed */
  open(sealed: string): string {
    const bytes = Buffer.from(sealed, 'base64url');
    const sender = bytes.subarray(0, RAW_KEY_BYTES).toString('base64url');
    const nonce = bytes.subarray(RAW_KEY_BYTES, RAW_KEY_BYTES + NONCE_BYTES);
    const tagAt = RAW_KEY_BYTES + NONCE_BYTES;
    const key = sharedKey(this.#privateKey, parseAnswerKey(sender), sender + this.publicKey);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAuthTag(bytes.subarray(tagAt, tagAt + TAG_BYTES));
    return decipher.update(bytes.subarray(tagAt + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
  }
}

/**
 * Seals a text so that only the holder of an {@link AnswerKey} can read it: X25519 with an ephemeral key, HKDF-SHA-256, AES-256-GCM.
 * @param publicKey  public half of the {@link AnswerKey}
 * @throws when `publicKey` is not such a key
 */
export function sealTo(publicKey: string, text: string): string {
  const recipient = parseAnswerKey(publicKey);
  const own = generateKeyPairSync('x25519');
  const sender = rawKey(own.publicKey);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', sharedKey(own.privateKey, recipient, sender + publicKey), nonce);
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([Buffer.from(sender, 'base64url'), nonce, cipher.getAuthTag(), sealed]).toString('base64url');
}

/** Derives the AES key. @param bound  both public keys, which bind the AES key to this pair */
function sharedKey(privateKey: KeyObject, publicKey: KeyObject, bound: string): Buffer {
  return Buffer.from(
    hkdfSync('sha256', diffieHellman({ privateKey, publicKey }), '', `linkspan answer to an agent ${bound}`, 32),
  );
}

function rawKey(key: KeyObject): string {
  return key.export({ format: 'jwk' }).x ?? '';
}

function parseAnswerKey(text: string): KeyObject {
  return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'X25519', x: text } });
}
