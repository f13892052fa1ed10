import type { RecordedCounts } from './records.ts';

/** The counts of a running migration, for its progress. */
export interface Counters {
  /** Collections that were dropped or copied again during or after their copy: the copied totals shrink then. */
  restarts: number;
  read: number;
  applied: number;
  duringCopy: number;
  /** Documents of the source that were compared because history was lost. */
  compared: number;
  /** Compared keys that differed. */
  differed: number;
  /** Documents that the verification found equal after their last change. */
  rechecked: number;
}

/** Returns the counts that a checkpoint holds. */
export function recordedCounts({
  read,
  applied,
  duringCopy,
  compared,
  differed,
  restarts,
  rechecked,
}: Counters): RecordedCounts {
  return { read, applied, duringCopy, compared, differed, restarts, rechecked };
}

export function newCounters(): Counters {
  return { restarts: 0, read: 0, applied: 0, duringCopy: 0, compared: 0, differed: 0, rechecked: 0 };
}
