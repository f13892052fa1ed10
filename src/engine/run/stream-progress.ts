import type { Timestamp } from 'mongodb';
import type { Watermark } from '../capture/watermark.ts';
import { isBefore } from '../mongodb/cluster-time.ts';

/** The positions that the progress is derived from. */
interface Positions {
  readonly watermark: Pick<Watermark, 'applied' | 'safe'>;
  /** The oldest stream batch with an applied key that isn't compared since; Infinity when there is none. */
  readonly uncompared: () => number;
  /** The time up to which hidden writes are searched for, and applied. */
  readonly searchedTo: () => Timestamp;
}

/** Hidden writes whose keys are applied, and wait to be compared. */
interface HiddenWrites {
  /** The time after which they were written. */
  readonly after: Timestamp;
  /** The stream batch under which their keys wait. */
  readonly sequence: number;
}

/**
 * The times up to which the changes of the source are applied and compared, hidden writes included. The watermark alone
 * doesn't cover those: the search finds them behind the stream, so their keys wait under a batch that is later than
 * their time, and a batch without changes has no mark to hold back.
 */
export class StreamProgress {
  readonly #positions: Positions;
  /** In the order in which they were found. */
  #hidden: readonly HiddenWrites[] = [];

  constructor(positions: Positions) {
    this.#positions = positions;
  }

  /**
   * Notes that hidden writes are applied, before the search counts as further.
   * @param sequence  the stream batch under which their keys wait to be compared
   */
  appliedHidden(sequence: number): void {
    this.#hidden = [...this.#waiting, { after: this.#positions.searchedTo(), sequence }];
  }

  /** Forgets hidden writes: everything is compared anyway. */
  forgetHidden(): void {
    this.#hidden = [];
  }

  /** Whether the changes that the stream has shown up to the safe position are compared. */
  get isCompared(): boolean {
    return this.#positions.uncompared() > this.#positions.watermark.safe.sequence;
  }

  /** The time up to which all changes that aren't under way are compared. A successor searches for hidden writes from there. */
  get comparedTo(): Timestamp {
    // rule: barrier-includes-oplog-search
    return earlier(this.#positions.watermark.safe.time, this.#hiddenComparedTo);
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

  get #hiddenComparedTo(): Timestamp {
    const [oldest] = this.#waiting;
    // rule: wait-for-unstreamed-comparison
    return oldest?.after ?? this.#positions.searchedTo();
  }

  get #waiting(): readonly HiddenWrites[] {
    const uncompared = this.#positions.uncompared();
    return this.#hidden.filter(({ sequence }) => sequence >= uncompared);
  }
}

function earlier(one: Timestamp, other: Timestamp): Timestamp {
  return isBefore(other, one) ? other : one;
}
