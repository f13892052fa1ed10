import { createHmac, randomBytes } from 'node:crypto';
import type { DigestAlgorithm } from '../../digest/index.ts';
import { type Clock, randomByte } from '../../platform/index.ts';
import { equalText } from './equal-text.ts';

/** How long a nonce is valid. Atlas's value is not public; its clients request a new nonce each time or handle `stale`. */
const NONCE_LIFE_MS = 5 * 60_000;

const TIME_BYTES = 4;
const BOOT_BYTES = 3;
const RANDOM_BYTES = 5;
const BODY_BYTES = TIME_BYTES + BOOT_BYTES + RANDOM_BYTES;
/** Length in base64 characters. A nonce is the body followed by the MAC: 12 bytes each. */
const BODY_LENGTH = 16;
const MAC_LENGTH = 16;

export interface NonceCheck {
  readonly state: 'good' | 'stale' | 'foreign';
  readonly issuedAtSeconds: number;
}

const FOREIGN: NonceCheck = { state: 'foreign', issuedAtSeconds: 0 };

/**
 * Creates and verifies nonces without storing them. A nonce has a time, a boot id, random bytes and a MAC. The MAC binds them to one
 * algorithm, so that no client can answer a SHA-256 challenge with MD5. The 24 bytes give 32 base64 characters, as in Atlas.
 */
export class Nonces {
  readonly #key: Buffer;
  readonly #clock: Clock;
  /** Identifies this process. Only the process that issued a nonce detects its replays, so nonces of an earlier process are stale. */
  readonly #boot = randomBytes(BOOT_BYTES);

  /** @param key  secret; must stay the same after a restart, so that earlier nonces are stale, not foreign */
  constructor(key: Buffer, clock: Clock) {
    this.#key = key;
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
   * Checks a nonce. `stale`: this server issued it, but it is too old or from an earlier process. The client may then answer a new nonce
   * without asking its user.
   * @param isKnown  whether this nonce was already verified for this algorithm, so that only its age is checked
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
    return createHmac('sha256', this.#key).update(body).update(algorithm).digest('base64').slice(0, MAC_LENGTH);
  }
}
