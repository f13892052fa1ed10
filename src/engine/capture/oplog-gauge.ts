/** How far the source's oplog reaches, and how much of it is left before changes would be lost. */
export interface OplogHeadroom {
  /** From its oldest entry to its newest. */
  readonly windowSeconds: number;
  /** When changes would be lost if no more were taken, at the rate at which it is written. */
  readonly leftSeconds: number;
  /** Of its size, what is not filled with changes that are not safe yet. */
  readonly headroomPercent: number;
}

/** What a server says of its oplog. Times in seconds. */
export interface OplogLook {
  readonly earliest: number;
  readonly latest: number;
  /** What it holds, and from what size on it discards. */
  readonly bytes: number;
  readonly capacity: number;
  /** How old an entry has to be, besides, to be discarded (`oplogMinRetentionHours`). */
  readonly keptSeconds: number;
  /** All that was ever written to it, since its server started. */
  readonly written: number;
}

const MOST_LOOKS = 2_000;
const RATE_OVER_SECONDS = 60;

/**
 * How much of an oplog is left. It discards by size, so what counts is how much was written after a time, not how long ago that was: a
 * quiet night says nothing about a busy morning. Between two looks, and before the first, writing is taken as even.
 */
export class OplogGauge {
  /** When how much had been written, in order. */
  #marks: { readonly time: number; readonly written: number }[] = [];

  /** @param safe  up to when changes need not be in the oplog any more, in seconds; never earlier than the one before */
  measure(look: OplogLook, safe: number): OplogHeadroom {
    this.#note(look, safe);
    const { earliest, latest, bytes, capacity, keptSeconds, written } = look;
    const windowSeconds = Math.round(latest - earliest);
    const unread = safe < earliest ? capacity : Math.min(capacity, written - this.#writtenAt(safe));
    const recent = this.#marks.findLast(({ time }) => time <= latest - RATE_OVER_SECONDS) ?? this.#marks[0];
    const recentRate = recent === undefined ? 0 : (written - recent.written) / Math.max(1, latest - recent.time);
    const bytesPerSecond = Math.max(1, recentRate, bytes / Math.max(1, windowSeconds));
    const keptFor = safe < earliest ? 0 : Math.max(0, keptSeconds - (latest - safe));
    return {
      windowSeconds,
      leftSeconds: Math.floor(Math.max(keptFor, (capacity - unread) / bytesPerSecond)),
      headroomPercent: Math.floor(100 * Math.max(keptFor / (keptSeconds || 1), (capacity - unread) / capacity)),
    };
  }

  #note({ earliest, latest, bytes, written }: OplogLook, safe: number): void {
    // Another server, or the same started anew, counts from zero.
    if (written < (this.#marks.at(-1)?.written ?? 0)) this.#marks = [];
    if (this.#marks.length === 0) this.#marks.push({ time: earliest, written: written - bytes });
    if (latest > (this.#marks.at(-1)?.time ?? 0)) this.#marks.push({ time: latest, written });
    const needed = this.#marks.findLastIndex(({ time }) => time <= Math.min(safe, latest - RATE_OVER_SECONDS));
    if (needed > 0) this.#marks = this.#marks.slice(needed);
    if (this.#marks.length > MOST_LOOKS) this.#marks = this.#marks.filter((_, index) => index % 2 === 0);
  }

  #writtenAt(time: number): number {
    const before = this.#marks.findLast((mark) => mark.time <= time);
    const after = this.#marks.find((mark) => mark.time > time);
    if (before === undefined || after === undefined) return (before ?? after)?.written ?? 0;
    const share = (time - before.time) / (after.time - before.time);
    return before.written + share * (after.written - before.written);
  }
}
