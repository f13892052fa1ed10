import type { Oplog } from '../../contract/index.ts';

/** A server's data about its oplog. Times are in seconds. */
export interface OplogLook {
  readonly earliest: number;
  readonly latest: number;
  /** Its current size, and the size above which it discards entries. */
  readonly bytes: number;
  readonly capacity: number;
  /** The minimum age of an entry before it may be discarded (`oplogMinRetentionHours`). */
  readonly keptSeconds: number;
  /** All bytes written to it since its server started. */
  readonly written: number;
}

const MOST_LOOKS = 2_000;
const RATE_OVER_SECONDS = 60;

/**
 * Measures how much of an oplog is left. An oplog discards by size, so the bytes written since a time count, and not
 * the hours: a quiet night says nothing about a busy morning. Between two measurements, and before the first, the write
 * rate counts as constant.
 */
export class OplogGauge {
  /** Bytes written by certain times, in order. */
  #marks: { readonly time: number; readonly written: number }[] = [];

  /** @param safe  the time, in seconds, before which the oplog isn't needed any more; never decreases */
  measure(look: OplogLook, safe: number): Oplog {
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
    // After a failover or a restart, the server counts from zero.
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

/**
 * Returns the smallest of each figure over all shards. A change stream needs the oplogs of all shards.
 * @returns null unless all are known
 */
export function lowestHeadroom(
  shards: readonly { readonly shard: string; readonly oplog: Oplog | null }[],
): Oplog | null {
  const known = shards.flatMap(({ shard, oplog }) => (oplog === null ? [] : [{ ...oplog, shard }]));
  const [first, ...others] = known;
  if (first === undefined || known.length < shards.length) return null;
  return others.reduce(
    (lowest, one) => ({
      windowSeconds: Math.min(lowest.windowSeconds, one.windowSeconds),
      leftSeconds: Math.min(lowest.leftSeconds, one.leftSeconds),
      headroomPercent: Math.min(lowest.headroomPercent, one.headroomPercent),
      shard: one.leftSeconds < lowest.leftSeconds ? one.shard : lowest.shard,
    }),
    first,
  );
}
