import { dateOf, type Wait } from '../../contract/index.ts';
import { type Clock, counted, delayAfter } from '../../platform/index.ts';
import type { Postponed } from '../cutover/cut-over.ts';
import { CutoverTimeline } from '../cutover/cutover-timeline.ts';
import type { CutoverRecord } from '../records/records.ts';

const BETWEEN_ATTEMPTS = { firstMs: 250, longestMs: 5 * 60_000 };
/** Limits the share of time in which users' writes are stopped to one sixth, unless that exceeds the longest delay. */
const TIMES_STOPPED = 5;

/** The attempts of a cutover: where their time went, how many failed, and the time of the next one. */
export class CutoverAttempts {
  readonly timeline: CutoverTimeline;
  readonly #clock: Clock;
  #failed = 0;
  #stops = 0;
  #stoppedMs = 0;
  #last: { readonly reason: string; readonly sinceMs: number; readonly dueAtMs: number } | undefined;

  /**
   * @param recorded  the cutover's record of an earlier engine
   * @param movesAccounts  whether the migration includes users and roles
   */
  constructor(clock: Clock, recorded?: CutoverRecord, movesAccounts = false) {
    this.#clock = clock;
    this.timeline = new CutoverTimeline(clock, recorded?.timeline, movesAccounts);
    this.timeline.interrupt(recorded?.committed ?? false);
  }

  /** Notes a failed attempt. */
  add({ reason, stoppedMs }: Postponed): void {
    this.#failed += 1;
    if (stoppedMs > 0) this.#stops += 1;
    this.#stoppedMs += stoppedMs;
    // rule: growing-pauses-between-attempts
    const delayMs = Math.max(delayAfter(this.#failed, BETWEEN_ATTEMPTS), TIMES_STOPPED * stoppedMs);
    this.#last = {
      reason,
      sinceMs: this.#last?.sinceMs ?? this.#clock.now(),
      dueAtMs: this.#clock.elapsed() + Math.min(delayMs, BETWEEN_ATTEMPTS.longestMs),
    };
    this.timeline.end('POSTPONED', { reason, ...(stoppedMs > 0 && { stoppedMs }) });
    this.timeline.want();
  }

  /** Forgets all attempts: the cutover is done, or no longer wanted. */
  clear(): void {
    this.#failed = 0;
    this.#stops = 0;
    this.#stoppedMs = 0;
    this.#last = undefined;
  }

  /** Ends the current attempt: the cutover is no longer wanted. */
  abandon(): void {
    this.clear();
    this.timeline.end('ABORTED');
  }

  /**
   * Ends the current attempt with the error that ends the migration. An attempt that may have committed continues in the next engine instead.
   */
  fail(reason: string): void {
    this.timeline.end('FAILED', { reason });
  }

  /** Milliseconds until the next attempt may begin. */
  get dueInMs(): number {
    return Math.max(0, (this.#last?.dueAtMs ?? 0) - this.#clock.elapsed());
  }

  get isDue(): boolean {
    return this.dueInMs === 0;
  }

  /**
   * Notes on the timeline why no attempt begins, or that one does.
   * @param notReadyReasons  empty when one begins now
   */
  note(notReadyReasons: readonly string[]): void {
    this.timeline.want();
    if (notReadyReasons.length === 0) this.timeline.begin('checks');
    else if (this.isDue) this.timeline.begin('readiness', notReadyReasons.join(', '));
    else this.timeline.begin('retry delay');
  }

  /** The wait for the next attempt; undefined before one has failed. */
  get wait(): Wait | undefined {
    if (this.#last === undefined) return undefined;
    const { reason, sinceMs } = this.#last;
    const stopped = `${this.#stops} of ${counted(this.#failed, 'attempt')} stopped users' writes, for ${(this.#stoppedMs / 1_000).toFixed(1)} s in total`;
    return { for: 'the next attempt to cut over', since: dateOf(sinceMs), reason: `${reason} (${stopped})` };
  }
}
