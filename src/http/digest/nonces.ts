import { randomBytes } from 'node:crypto';
import { type Clock, randomByte } from '../../platform/index.ts';
import { equalText } from './equal-text.ts';
import type { DigestAlgorithm } from './header.ts';
import { KeyedHash } from './keyed-hash.ts';

/** How long a nonce is good for. Not public for Atlas; its clients take a new one for each request or heed `stale`. */
const NONCE_LIFE_MS = 5 * 60_000;

const TIME_BYTES = 4;
const BOOT_BYTES = 3;
const RANDOM_BYTES = 5;
const BODY_BYTES = TIME_BYTES + BOOT_BYTES + RANDOM_BYTES;
/** Of base 64, as body and MAC are written one after the other: 12 bytes each. */
const BODY_LENGTH = 16;
const MAC_LENGTH = 16;
const LONGEST_ALGORITHM = 'SHA-256'.length;

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
  readonly #mac: KeyedHash;
  readonly #clock: Clock;
  /** Replays are remembered by one process, so a nonce of an earlier one is stale. */
  readonly #boot = randomBytes(BOOT_BYTES);

  /** @param key  secret, the same after a restart: nonces from before are then stale, not foreign */
  constructor(key: Buffer, clock: Clock) {
    this.#mac = new KeyedHash(key, BODY_BYTES + LONGEST_ALGORITHM);
    this.#clock = clock;
  }

  issue(algorithm: DigestAlgorithm): string {
    const body = Buffer.allocUnsafe(BODY_BYTES);
    body.writeUInt32BE(this.#seconds());
    this.#boot.copy(body, TIME_BYTES);
    for (let at = TIME_BYTES + BOOT_BYTES; at < BODY_BYTES; at += 1) body.writeUInt8(randomByte(), at);
    return body.toString('base64') + this.#macOf(body, algorithm);
  }

  /**
   * `stale`: made here, but too old, or by an earlier process; the client may answer a new one without asking its user.
   * @param isKnown  whether this very text was found good for this algorithm before, so that only its age is left to check
   */
  check(nonce: string, algorithm: DigestAlgorithm, isKnown: boolean): NonceCheck {
    const text = nonce.slice(0, BODY_LENGTH);
    const body = Buffer.from(text, 'base64');
    if (!isKnown) {
      if (body.length !== BODY_BYTES || body.toString('base64') !== text) return FOREIGN;
      if (!equalText(nonce.slice(BODY_LENGTH), this.#macOf(body, algorithm))) return FOREIGN;
    }
    const issuedAtSeconds = body.readUInt32BE();
    const ofThisBoot = body.subarray(TIME_BYTES, TIME_BYTES + BOOT_BYTES).equals(this.#boot);
    const ageMs = Math.abs(this.#seconds() - issuedAtSeconds) * 1000;
    return { state: ofThisBoot && ageMs <= NONCE_LIFE_MS ? 'good' : 'stale', issuedAtSeconds };
  }

  #seconds(): number {
    return Math.floor(this.#clock.now() / 1000);
  }

  #macOf(body: Buffer, algorithm: DigestAlgorithm): string {
    return this.#mac.of(body, algorithm).slice(0, MAC_LENGTH);
  }
}
