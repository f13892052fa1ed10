import { UserError } from '../../platform/index.ts';
import type { Wait } from '../mongodb/retry.ts';

interface Held {
  readonly sinceMs: number;
  readonly reason: string;
  readonly confirmed: PromiseWithResolvers<void>;
}

/**
 * Holds an opposite direction whose source went back in its history. Its destination may have the last copies of what
 * users wrote, so nothing is written there until an operator confirms it.
 */
export class HeldHistory {
  #held: Held | undefined;
  #onlyThere = 'what it has is being compared';

  /**
   * Resolves when an operator has confirmed. A confirmation of before doesn't count.
   * @param sinceMs  when the loss was found, wall clock
   */
  async hold(sinceMs: number, reason: string): Promise<void> {
    const confirmed = Promise.withResolvers<void>();
    this.#held = { sinceMs, reason, confirmed };
    await confirmed.promise;
  }

  get isHeld(): boolean {
    return this.#held !== undefined;
  }

  /** Notes what only the destination has. */
  tell(onlyThere: string): void {
    this.#onlyThere = onlyThere;
  }

  /** Confirms that the destination is made equal to the source. Changes nothing when nothing is held. */
  confirm(): void {
    this.#held?.confirmed.resolve();
    this.#held = undefined;
  }

  /** The wait for a confirmation; undefined while nothing is held. */
  get wait(): Wait | undefined {
    if (this.#held === undefined) return undefined;
    const { sinceMs, reason } = this.#held;
    const { message } = new UserError('HISTORY_UNCONFIRMED', [reason, this.#onlyThere]);
    return { for: 'a confirmation of drops', sinceMs, reason: message };
  }
}
