import { dateOf, type Wait } from '../../contract/index.ts';
import { UserError } from '../../platform/index.ts';
import type { MigrationRecord } from '../records/records.ts';

type Held = NonNullable<MigrationRecord['unconfirmedHistory']>;

/**
 * Holds an opposite direction whose source went back in its history. Its destination may have the last copies of users'
 * writes, so nothing is written there until an operator confirms it.
 */
export class UnconfirmedHistory {
  #held: Held | undefined;
  #confirmed = 0;
  #released = Promise.withResolvers<void>();
  #onlyThere = 'what it has is being compared';

  /** The last confirmation; 0 before the first. */
  get confirmed(): number {
    return this.#confirmed;
  }

  /** Resolves when an operator has confirmed later than `held.after`. */
  async hold(held: Held): Promise<void> {
    this.#held = held;
    this.#released = Promise.withResolvers();
    this.confirm(this.#confirmed);
    await this.#released.promise;
  }

  get isHeld(): boolean {
    return this.#held !== undefined;
  }

  /** Notes the description of data that only the destination has. */
  tell(onlyThere: string): void {
    this.#onlyThere = onlyThere;
  }

  /**
   * Confirms that the destination is made equal to the source. A confirmation that was given before the loss doesn't count,
   * however often it is repeated.
   */
  confirm(confirmation: number): void {
    this.#confirmed = Math.max(this.#confirmed, confirmation);
    // rule: confirm-after-loss
    if (this.#held === undefined || this.#confirmed <= this.#held.after) return;
    this.#held = undefined;
    this.#released.resolve();
  }

  /** The wait for a confirmation; undefined while nothing is held. */
  get wait(): Wait | undefined {
    if (this.#held === undefined) return undefined;
    const { atMs, reason } = this.#held;
    const { message } = new UserError('HISTORY_UNCONFIRMED', [reason, this.#onlyThere]);
    return { for: 'a confirmation of drops', since: dateOf(atMs), reason: message };
  }
}
