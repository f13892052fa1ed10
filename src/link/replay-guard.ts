import { UserError } from '../platform/index.ts';
import { CLOCK_TOLERANCE_MS, type Proof } from './proof.ts';

/**
 * Stores the nonces of verified requests while their times are acceptable. Two generations make removing old nonces free. A restart
 * loses them: then only requests of the last five minutes can be replayed, and reports have sequence numbers.
 */
export class ReplayGuard {
  #young = new Set<string>();
  #old = new Set<string>();
  #turnedAtMs = 0;

  /**
   * Records the nonce of a verified request.
   * @param sender  id or key of the agent; each agent has its own nonces
   * @throws UserError REQUEST_REPLAYED when the nonce was already used
   */
  admit(sender: string, proof: Proof, nowMs: number): void {
    // A replay is possible while the signed time is accepted: from 5 minutes ahead to 5 minutes behind.
    if (nowMs - this.#turnedAtMs > 2 * CLOCK_TOLERANCE_MS) {
      this.#old = this.#young;
      this.#young = new Set();
      this.#turnedAtMs = nowMs;
    }
    const seen = `${sender} ${proof.nonce}`;
    if (this.#young.has(seen) || this.#old.has(seen)) throw new UserError('REQUEST_REPLAYED');
    this.#young.add(seen);
  }
}
