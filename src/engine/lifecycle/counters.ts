/** What the parts of a running migration count, for progress. */
export interface Counters {
  documentsCopied: number;
  bytesCopied: number;
  read: number;
  applied: number;
  duringCopy: number;
}

export function newCounters(): Counters {
  return { documentsCopied: 0, bytesCopied: 0, read: 0, applied: 0, duringCopy: 0 };
}
