import { DEFAULT_LOAD_LEVEL, type LoadLevel } from '../copy/load-level.ts';
import type { WantedState } from '../report/progress.ts';
import type { Cancellation } from './cancel.ts';

/** The operator's current wishes for a migration. */
interface Wishes {
  readonly state: WantedState;
  /** Undefined unless the migration is to be cancelled. */
  readonly cancellation: Cancellation | undefined;
  readonly loadLevel: LoadLevel;
  /** Limit of the initial copy; Infinity for no limit other than that of the options. */
  readonly copyBytesPerSecond: number;
  /** The name of the rehearsal that is wanted: a number that grows. */
  readonly rehearsal: number | undefined;
  /** The last confirmation of held drops and all later ones, a number that grows; undefined before the first. */
  readonly dropsConfirmed: number | undefined;
}

/** The operator's wishes for one migration. `Migration` changes them; its run reads them here and follows their changes. */
export class OperatorWishes {
  #current: Wishes = {
    state: 'RUNNING',
    cancellation: undefined,
    loadLevel: DEFAULT_LOAD_LEVEL,
    copyBytesPerSecond: Number.POSITIVE_INFINITY,
    rehearsal: undefined,
    dropsConfirmed: undefined,
  };
  readonly #cancelled = new AbortController();
  #calledOff = new AbortController();
  #rehearsalOff = new AbortController();
  readonly #followers = new Set<() => void>();

  get current(): Wishes {
    return this.#current;
  }

  /** Aborts when the operator cancels the migration. */
  get cancelled(): AbortSignal {
    return this.#cancelled.signal;
  }

  /** Aborts when the operator no longer wants the cutover that is wanted now. */
  get calledOff(): AbortSignal {
    return this.#calledOff.signal;
  }

  /** Aborts when the operator wants anything else than the rehearsal that is wanted now. */
  get rehearsalOff(): AbortSignal {
    return this.#rehearsalOff.signal;
  }

  /** Sets some of the wishes. A repeated wish changes nothing, and wakes nobody. */
  change(wishes: Partial<Wishes>): void {
    const before = this.#current;
    const after = { ...before, ...wishes };
    if ((Object.keys(after) as (keyof Wishes)[]).every((wish) => after[wish] === before[wish])) return;
    this.#current = after;
    if (before.state !== 'CUTOVER' && after.state === 'CUTOVER') this.#calledOff = new AbortController();
    if (before.state === 'CUTOVER' && after.state !== 'CUTOVER') this.#calledOff.abort();
    if (after.rehearsal !== before.rehearsal) this.#rehearsalOff = new AbortController();
    if (after.state !== 'RUNNING' || after.cancellation !== undefined) this.#rehearsalOff.abort();
    if (after.cancellation !== undefined) this.#cancelled.abort();
    for (const follow of this.#followers) follow();
  }

  /** Calls `follow` now and after each change, until the result is disposed of. */
  follow(follow: () => void): Disposable {
    this.#followers.add(follow);
    follow();
    return { [Symbol.dispose]: () => void this.#followers.delete(follow) };
  }
}
