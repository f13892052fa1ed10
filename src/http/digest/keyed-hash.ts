import { hash } from 'node:crypto';

const BLOCK_BYTES = 64;
const HASH_BYTES = 32;

/**
 * HMAC-SHA-256, computed from two hashes as RFC 2104 §2 defines it. Creating an Hmac object takes five times as long as both hashes, and
 * every challenge needs one.
 */
export class KeyedHash {
  readonly #inner: Buffer;
  readonly #outer: Buffer;

  /**
   * @param key           at most 64 bytes
   * @param messageBytes  length of the longest message
   */
  constructor(key: Buffer, messageBytes: number) {
    if (key.length > BLOCK_BYTES)
      throw new Error(`The key has ${key.length} bytes; at most ${BLOCK_BYTES} are allowed`);
    this.#inner = Buffer.alloc(BLOCK_BYTES + messageBytes, 0x36);
    this.#outer = Buffer.alloc(BLOCK_BYTES + HASH_BYTES, 0x5c);
    for (const [at, byte] of key.entries()) {
      this.#inner.writeUInt8(byte ^ 0x36, at);
      this.#outer.writeUInt8(byte ^ 0x5c, at);
    }
  }

  /** The keyed hash of `bytes` followed by an ASCII text, in base64. */
  of(bytes: Buffer, text: string): string {
    const end = BLOCK_BYTES + bytes.length + text.length;
    bytes.copy(this.#inner, BLOCK_BYTES);
    this.#inner.write(text, BLOCK_BYTES + bytes.length, 'latin1');
    // Hashes are texts here, because creating a Buffer for a hash takes longer than computing it.
    this.#outer.write(hash('sha256', this.#inner.subarray(0, end), 'hex'), BLOCK_BYTES, 'hex');
    return hash('sha256', this.#outer, 'base64');
  }
}
