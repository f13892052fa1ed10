import type { FaultKind } from './fault.ts';

/**
 * What a migration may fail of when the round has such a fault, by code of the error catalogue. After each the engine is started again, as an
 * operator would, and has to go on.
 */
const MAY_FAIL_OF: Readonly<Partial<Record<FaultKind, readonly string[]>>> = {
  // Before a new migration has its first position there is nothing that could be repaired.
  history: ['HISTORY_LOST'],
  overrun: ['HISTORY_LOST'],
  late: ['SOURCE_STILL_WRITTEN'],
};

/** @param met  the kinds of faults that were there so far */
export function mayFailOf(code: string, met: ReadonlySet<FaultKind>): boolean {
  return [...met].some((kind) => MAY_FAIL_OF[kind]?.includes(code));
}
