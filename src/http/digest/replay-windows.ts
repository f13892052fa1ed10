const WINDOW_BITS = 64;

interface Window {
  readonly issuedAtSeconds: number;
  highest: number;
  /** Bit i is set when the count `highest - i` was seen. */
  seen: bigint;
}

/**
 * The `nc` counts seen for each nonce (RFC 7616 §5.5). It uses a sliding window instead of a strict order, because parallel requests of a
 * client arrive in any order.
 */
export class ReplayWindows {
  readonly #windows = new Map<string, Window>();
  readonly #limit: number;
  /** Nonces issued until this time may be forgotten, so they are refused unless they are still stored. */
  #forgottenUntilSeconds = 0;

  /** @param limit  how many nonces to store at most, to limit memory */
  constructor(limit = 200_000) {
    this.#limit = limit;
  }

  /** Whether a request with this nonce was admitted and the nonce is still stored. */
  knows(nonce: string): boolean {
    return this.#windows.has(nonce);
  }

  /** Returns whether `nc` is certainly new for this nonce, and records it. Call it only after the response was verified. */
  admit(nonce: string, issuedAtSeconds: number, nc: number): boolean {
    const window = this.#windows.get(nonce);
    if (!window) {
      if (issuedAtSeconds <= this.#forgottenUntilSeconds) return false;
      this.#makeRoom();
      this.#windows.set(nonce, { issuedAtSeconds, highest: nc, seen: 1n });
      return true;
    }
    if (nc > window.highest) {
      const shift = nc - window.highest;
      window.seen = shift >= WINDOW_BITS ? 1n : BigInt.asUintN(WINDOW_BITS, window.seen << BigInt(shift)) | 1n;
      window.highest = nc;
      return true;
    }
    const age = window.highest - nc;
    if (age >= WINDOW_BITS) return false;
    const bit = 1n << BigInt(age);
    if (window.seen & bit) return false;
    window.seen |= bit;
    return true;
  }

  /** Removes the oldest nonces; maps keep the order of insertion. */
  #makeRoom(): void {
    for (const [nonce, window] of this.#windows) {
      if (this.#windows.size < this.#limit) return;
      this.#windows.delete(nonce);
      this.#forgottenUntilSeconds = Math.max(this.#forgottenUntilSeconds, window.issuedAtSeconds);
    }
  }
}
