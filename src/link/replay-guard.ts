import { UserError } from '../platform/index.ts';
import { CLOCK_TOLERANCE_MS, type Proof } from './proof.ts';

/** A replay is possible while the signed time is accepted: from 5 minutes ahead to 5 minutes behind. */
const GENERATION_MS = 2 * CLOCK_TOLERANCE_MS;

/**
 * How many requests of one agent are admitted in a generation; their nonces take about 2 MB. An agent stays below it: it has one report and
 * one poll open at a time. In ten minutes that is at most 600 reports of changed numbers, and one report or poll for each change of a state
 * or an order. A thousand migrations from start to commit, with 20 such changes each, need 20,600.
 */
export const MOST_REQUESTS = 30_000;

/** The nonces of each sender. */
type Generation = Map<string, Set<string>>;

/**
 * Stores the nonces of verified requests while their times are acceptable. Two generations make removing old nonces free. A restart loses
 * them, and so does a clock that is set back and forth by more than a generation: then only requests of the last five minutes can be
 * replayed, and reports have sequence numbers.
 */
export class ReplayGuard {
  #young: Generation = new Map();
  #old: Generation = new Map();
  #turnedAtMs = 0;

  /**
   * Records the nonce of a verified request.
   * @param sender  id or key of the agent; each agent has its own nonces, and its own limit
   * @throws UserError REQUEST_REPLAYED when the nonce was already used; TOO_MANY_AGENT_REQUESTS when the nonce can't be stored, because a
   *   request whose nonce is not stored could be replayed
   */
  admit(sender: string, { nonce }: Proof, nowMs: number): void {
    // The difference counts in both directions. Otherwise, after the clock was set back, all nonces would stay until it has caught up.
    // rule: clock-set-back
    if (Math.abs(nowMs - this.#turnedAtMs) > GENERATION_MS) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#turnedAtMs = nowMs;
    }
    const young = this.#young.get(sender) ?? new Set();
    if (young.has(nonce) || this.#old.get(sender)?.has(nonce)) throw new UserError('REQUEST_REPLAYED');
    // rule: remembered-request-limit
    if (young.size >= MOST_REQUESTS) throw new UserError('TOO_MANY_AGENT_REQUESTS', [String(MOST_REQUESTS)]);
    this.#young.set(sender, young.add(nonce));
  }
}
