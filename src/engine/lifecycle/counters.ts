/** What the parts of a running migration count, for progress. */
export interface Counters {
  documentsCopied: number;
  bytesCopied: number;
  read: number;
  /** Of those read, the ones that concern what is migrated: of a filtered collection they are counted when they are applied. */
  concerned: number;
  applied: number;
  duringCopy: number;
  /** Documents of the source that were compared because history was lost, and keys that differed. */
  compared: number;
  differed: number;
}

export function newCounters(): Counters {
  return {
    documentsCopied: 0,
    bytesCopied: 0,
    read: 0,
    concerned: 0,
    applied: 0,
    duringCopy: 0,
    compared: 0,
    differed: 0,
  };
}
