/** A moment by both clocks of this process. */
export interface Moment {
  /** `clock.elapsed()`: monotonic, but it may stand still while the machine sleeps. */
  readonly elapsedMs: number;
  /** `clock.now()`. */
  readonly wallMs: number;
}

/**
 * mongosync's limit is 30 s. The drain takes about as long as the lag, and users wait for it.
 */
export const LAG_LIMIT_MS = 10_000;
/** An hour of trouble needs no longer proof than a minute: the proof shows a trend, and operators wait for it. */
const LONGEST_PROOF_MS = 60_000;
/** One barrier may pass by chance, between two bursts of writes. */
const BARRIERS_IN_A_ROW = 3;

/** The lag at a moment. */
export interface LagReading {
  /** Everything that the source acknowledged at least this long ago is applied, if `isKnown`. */
  readonly ageMs: number;
  /** The same without the time for which the machine slept, or by which its clock was set. */
  readonly awakeMs: number;
  /** Whether a barrier was passed since the beginning, or since the last pause. */
  readonly isKnown: boolean;
  readonly isSteady: boolean;
  /** How much longer the lag must stay small; 0 when only more barriers are missing. */
  readonly steadyInMs: number;
}

/**
 * Measures the lag by barriers, with the clocks of this process alone: a barrier that was sent at a moment, and has been
 * passed, proves that everything acknowledged before that moment is applied. The lag is the time since then, so it grows by itself
 * when the source, the stream or the engine stands still, and no other host's clock counts.
 *
 * The lag is steady after three barriers in a row within the limit, and after it was small for as long as it was too
 * large before, up to a minute. So a migration that never fell behind doesn't wait, and one that swings does.
 */
export class LagMeter {
  /** The moment up to which all is known to be applied; the beginning of the measurement before the first barrier. */
  #provenTo: Moment;
  /** When that was found out. */
  #provenAt: Moment;
  #inARow = 0;
  /** How long the lag had to stay small when that was found out. */
  #owedMs = 0;

  /** @param now  beginning of the measurement */
  constructor(now: Moment) {
    this.#provenTo = now;
    this.#provenAt = now;
  }

  /** Continues after a pause: only barriers that are sent from here on count, and the pause itself is no trouble. */
  resume(now: Moment): void {
    this.#provenAt = now;
    this.#inARow = 0;
  }

  /**
   * Notes a barrier up to which everything is applied.
   * @param sent  the moment just before it was sent
   */
  passed(sent: Moment, now: Moment): void {
    this.#owedMs = this.#owedAt(now);
    this.#inARow = agoMs(sent, now) <= LAG_LIMIT_MS ? this.#inARow + 1 : 0;
    this.#provenTo = sent;
    this.#provenAt = now;
  }

  read(now: Moment): LagReading {
    const steadyInMs = this.#owedAt(now);
    return {
      // rule: lag-grows-in-silence
      ageMs: agoMs(this.#provenTo, now),
      awakeMs: now.elapsedMs - this.#provenTo.elapsedMs,
      isKnown: this.#inARow > 0,
      isSteady: !this.isNew && steadyInMs === 0,
      steadyInMs,
    };
  }

  /** Whether few barriers were passed in a row, so that more are needed soon. */
  get isNew(): boolean {
    return this.#inARow < BARRIERS_IN_A_ROW;
  }

  /** Since the last barrier the lag was small for a while, and too large after that. */
  #owedAt(now: Moment): number {
    const ageThen = agoMs(this.#provenTo, this.#provenAt);
    const sinceMs = Math.max(0, now.elapsedMs - this.#provenAt.elapsedMs);
    const smallMs = Math.min(sinceMs, Math.max(0, LAG_LIMIT_MS - ageThen));
    return Math.min(LONGEST_PROOF_MS, Math.max(0, this.#owedMs - smallMs) + (sinceMs - smallMs));
  }
}

/** The longer one of two clocks counts: one stands still while the machine sleeps, the other can be set back. */
function agoMs(then: Moment, now: Moment): number {
  // rule: clock-runs-in-sleep
  return Math.max(0, now.elapsedMs - then.elapsedMs, now.wallMs - then.wallMs);
}
