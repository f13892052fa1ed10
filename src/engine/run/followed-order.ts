import { isDeepStrictEqual } from 'node:util';
import { FIRST_ORDER, type Order } from '../../contract/index.ts';

/** The order that one direction of a migration follows, over all its runs. `Migration` sets it; its run obeys it. */
export class FollowedOrder {
  #current: Order = FIRST_ORDER;
  readonly #cancelled = new AbortController();
  #calledOff = new AbortController();
  #rehearsalOff = new AbortController();
  readonly #followers = new Set<() => void>();
  /** The last abort after which the source was seen open, with no commit sent; null before the first. */
  aborted: number | null = null;

  get current(): Order {
    return this.#current;
  }

  /** Aborts when the operator cancels the migration, which is permanent. */
  get cancelled(): AbortSignal {
    return this.#cancelled.signal;
  }

  /**
   * Aborts when the operator no longer wants the cutover that is wanted now, or cancels. It combines no signals: the combination of
   * two that have aborted can have the reason of the later one (Node.js 24.21), and an attempt knows by the reason why it ended.
   */
  get calledOff(): AbortSignal {
    return this.#calledOff.signal;
  }

  /** Aborts when the operator wants anything else than the rehearsal that is wanted now, or cancels. */
  get rehearsalOff(): AbortSignal {
    return this.#rehearsalOff.signal;
  }

  /**
   * Follows an order from now on. Its signals have aborted when this returns. A repeated order wakes no waiting task.
   */
  follow(order: Order): void {
    const before = this.#current;
    const isCancelled = before.wanted === 'CANCELLED' && order.wanted !== 'CANCELLED';
    const after: Order = isCancelled ? { ...order, wanted: 'CANCELLED', drop: before.drop } : order;
    if (isDeepStrictEqual(before, after)) return;
    this.#current = after;
    if (before.wanted !== 'CUTOVER' && after.wanted === 'CUTOVER') this.#calledOff = new AbortController();
    // rule: cancel-ends-checks
    if (before.wanted === 'CUTOVER' && after.wanted !== 'CUTOVER') this.#calledOff.abort();
    // An earlier rehearsal that is under way shares the signal.
    const isNew = after.rehearsal !== before.rehearsal && this.#rehearsalOff.signal.aborted;
    if (isNew) this.#rehearsalOff = new AbortController();
    if (after.wanted !== 'RUNNING') this.#rehearsalOff.abort();
    if (after.wanted === 'CANCELLED') this.#cancelled.abort();
    for (const wake of this.#followers) wake();
  }

  /** Calls `wake` now and after each change, until the result is disposed of. */
  onChange(wake: () => void): Disposable {
    this.#followers.add(wake);
    wake();
    return { [Symbol.dispose]: () => void this.#followers.delete(wake) };
  }
}
