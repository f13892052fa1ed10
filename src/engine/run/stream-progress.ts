import type { Timestamp } from 'mongodb';
import type { Watermark } from '../capture/watermark.ts';
import { isBefore } from '../mongodb/cluster-time.ts';

/** The positions that the progress is derived from. */
interface Positions {
  readonly watermark: Pick<Watermark, 'applied' | 'safe'>;
  /** The oldest stream batch with an applied key that isn't compared since; Infinity when there is none. */
  readonly uncompared: () => number;
  /** The time up to which unstreamed writes are searched for, and applied. */
  readonly searchedTo: () => Timestamp;
}

/** Unstreamed writes whose keys are applied, and wait to be compared. */
interface UnstreamedWrites {
  /** The time after which they were written. */
  readonly after: Timestamp;
  /** The stream batch under which their keys wait. */
  readonly sequence: number;
}

/**
 * The times up to which the changes of the source are applied and compared, unstreamed writes included. The watermark alone
 * doesn't cover those: the search finds them behind the stream, so their keys wait under a batch that is later than
 * their time, and a batch without changes has no mark to hold back.
 */
export class StreamProgress {
  readonly #positions: Positions;
  /** In the order in which they were found. */
  #unstreamed: readonly UnstreamedWrites[] = [];

  constructor(positions: Positions) {
    this.#positions = positions;
  }

  /**
   * Notes that unstreamed writes are applied, before the search counts as further.
   * @param sequence  the stream batch under which their keys wait to be compared
   */
  appliedUnstreamed(sequence: number): void {
    this.#unstreamed = [...this.#waiting, { after: this.#positions.searchedTo(), sequence }];
  }

  /** Forgets unstreamed writes: everything is compared anyway. */
  forgetUnstreamed(): void {
    this.#unstreamed = [];
  }

  /** Whether the changes that the stream has shown up to the safe position are compared. */
  get isCompared(): boolean {
    return this.#positions.uncompared() > this.#positions.watermark.safe.sequence;
  }

  /** The time up to which all changes that aren't under way are compared. A successor searches for unstreamed writes from there. */
  get comparedTo(): Timestamp {
    // rule: barrier-includes-oplog-search
    return earlier(this.#positions.watermark.safe.time, this.#unstreamedComparedTo);
  }

  /** The time before which everything is on the destination or in the spool. */
  get passedTo(): Timestamp {
    return earlier(this.#positions.watermark.applied.time, this.#positions.searchedTo());
  }

  /** Whether everything up to a time is on the destination or in the spool. */
  hasApplied(time: Timestamp): boolean {
    return !isBefore(this.passedTo, time);
  }

  /** Whether everything up to a time is applied, and compared since. */
  hasCompared(time: Timestamp): boolean {
    return this.isCompared && !isBefore(this.comparedTo, time);
  }

  get #unstreamedComparedTo(): Timestamp {
    const [oldest] = this.#waiting;
    // rule: wait-for-unstreamed-comparison
    return oldest?.after ?? this.#positions.searchedTo();
  }

  get #waiting(): readonly UnstreamedWrites[] {
    const uncompared = this.#positions.uncompared();
    return this.#unstreamed.filter(({ sequence }) => sequence >= uncompared);
  }
}

function earlier(one: Timestamp, other: Timestamp): Timestamp {
  return isBefore(other, one) ? other : one;
}
