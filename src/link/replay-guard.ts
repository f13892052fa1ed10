import { UserError } from '../platform/index.ts';
import { CLOCK_TOLERANCE_MS, type Proof } from './proof.ts';

/**
 * Remembers the nonces of one server's genuine requests for as long as their times are acceptable, in two generations, so that
 * forgetting costs nothing. A restarted server has forgotten them: what can be replayed then is at most five minutes old, and
 * reports carry sequence numbers of their own.
 */
export class ReplayGuard {
  #young = new Set<string>();
  #old = new Set<string>();
  #turnedAtMs = 0;

  /**
   * Takes note of a request that is otherwise genuine.
   * @param sender  id or key of the agent; nonces of different agents never meet
   * @throws UserError REQUEST_REPLAYED when it was seen before
   */
  admit(sender: string, proof: Proof, nowMs: number): void {
    // A nonce can come back as long as its time is accepted: from 5 minutes ahead to 5 minutes behind.
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
