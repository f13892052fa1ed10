import type { RecordedCounts } from './records.ts';

/** What the parts of a running migration count, for progress. */
export interface Counters {
  /** Collections that left, or are copied anew, while or after they were copied: then what is copied grows smaller. */
  restarts: number;
  read: number;
  applied: number;
  duringCopy: number;
  /** Documents of the source that were compared because history was lost, and keys that differed. */
  compared: number;
  differed: number;
}

/** What of them goes on record. */
export function recordedCounts({ read, applied, duringCopy, compared, differed, restarts }: Counters): RecordedCounts {
  return { read, applied, duringCopy, compared, differed, restarts };
}

export function newCounters(): Counters {
  return { restarts: 0, read: 0, applied: 0, duringCopy: 0, compared: 0, differed: 0 };
}
