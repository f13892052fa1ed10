import { createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';
import { type Clock, randomByte } from '../../platform/index.ts';
import type { DigestAlgorithm } from './header.ts';

/** How long a nonce is good for. Not public for Atlas; its clients take a new one for each request or heed `stale`. */
const NONCE_LIFE_MS = 5 * 60_000;

const TIME_BYTES = 4;
const BOOT_BYTES = 3;
const RANDOM_BYTES = 5;
const MAC_BYTES = 12;
const MAC_OFFSET = TIME_BYTES + BOOT_BYTES + RANDOM_BYTES;

export interface NonceCheck {
  readonly state: 'good' | 'stale' | 'foreign';
  readonly issuedAtSeconds: number;
}

const FOREIGN: NonceCheck = { state: 'foreign', issuedAtSeconds: 0 };

/**
 * Makes and recognizes nonces without keeping them: time, boot, randomness, and a MAC that binds them to one algorithm, so that
 * nobody can answer a SHA-256 challenge with MD5. 24 bytes make 32 base64 characters, the shape of Atlas's.
 */
export class Nonces {
  readonly #key: KeyObject;
  readonly #clock: Clock;
  /** Replays are remembered by one process, so a nonce of an earlier one is stale. */
  readonly #boot = randomBytes(BOOT_BYTES);

  /** @param key  secret, the same after a restart: nonces from before are then stale, not foreign */
  constructor(key: Buffer, clock: Clock) {
    // As a key object: from bytes, each MAC would make one of its own.
    this.#key = createSecretKey(key);
    this.#clock = clock;
  }

  issue(algorithm: DigestAlgorithm): string {
    const bytes = Buffer.allocUnsafe(MAC_OFFSET + MAC_BYTES);
    bytes.writeUInt32BE(this.#seconds());
    this.#boot.copy(bytes, TIME_BYTES);
    for (let at = TIME_BYTES + BOOT_BYTES; at < MAC_OFFSET; at += 1) bytes.writeUInt8(randomByte(), at);
    this.#mac(bytes.subarray(0, MAC_OFFSET), algorithm).copy(bytes, MAC_OFFSET);
    return bytes.toString('base64');
  }

  /**
   * `stale`: made here, but too old, or by an earlier process; the client may answer a new one without asking its user.
   * @param isKnown  whether this very text was found good for this algorithm before, so that only its age is left to check
   */
  check(nonce: string, algorithm: DigestAlgorithm, isKnown: boolean): NonceCheck {
    const bytes = Buffer.from(nonce, 'base64');
    if (!isKnown && !this.#isGenuine(nonce, bytes, algorithm)) return FOREIGN;
    const issuedAtSeconds = bytes.readUInt32BE();
    const ofThisBoot = bytes.subarray(TIME_BYTES, TIME_BYTES + BOOT_BYTES).equals(this.#boot);
    const ageMs = Math.abs(this.#seconds() - issuedAtSeconds) * 1000;
    return { state: ofThisBoot && ageMs <= NONCE_LIFE_MS ? 'good' : 'stale', issuedAtSeconds };
  }

  #isGenuine(nonce: string, bytes: Buffer, algorithm: DigestAlgorithm): boolean {
    if (bytes.length !== MAC_OFFSET + MAC_BYTES || bytes.toString('base64') !== nonce) return false;
    return timingSafeEqual(bytes.subarray(MAC_OFFSET), this.#mac(bytes.subarray(0, MAC_OFFSET), algorithm));
  }

  #seconds(): number {
    return Math.floor(this.#clock.now() / 1000);
  }

  #mac(body: Buffer, algorithm: DigestAlgorithm): Buffer {
    return createHmac('sha256', this.#key).update(body).update(algorithm).digest().subarray(0, MAC_BYTES);
  }
}
