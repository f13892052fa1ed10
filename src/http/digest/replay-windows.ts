const WINDOW_BITS = 64;

interface Window {
  readonly issuedAtSeconds: number;
  highest: number;
  /** Bit i: the count `highest - i` was seen. */
  seen: bigint;
}

/**
 * The `nc` counts seen for each nonce (RFC 7616 §5.5). A sliding window instead of a strict order, because requests that a client
 * sends in parallel arrive in any order.
 */
export class ReplayWindows {
  readonly #windows = new Map<string, Window>();
  readonly #limit: number;
  /** Nonces issued until then are no longer remembered, and so refused unless they are. */
  #forgottenUntilSeconds = 0;

  /** @param limit  how many nonces are remembered at once, to bound memory */
  constructor(limit = 200_000) {
    this.#limit = limit;
  }

  /** Whether a request with this nonce was admitted, and is remembered. */
  knows(nonce: string): boolean {
    return this.#windows.has(nonce);
  }

  /** Whether `nc` is certainly new for this nonce; takes note of it. Ask only after the response was found right. */
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

  /** Maps keep the order of insertion: the oldest go first. */
  #makeRoom(): void {
    for (const [nonce, window] of this.#windows) {
      if (this.#windows.size < this.#limit) return;
      this.#windows.delete(nonce);
      this.#forgottenUntilSeconds = Math.max(this.#forgottenUntilSeconds, window.issuedAtSeconds);
    }
  }
}
