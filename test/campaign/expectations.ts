import type { FaultKind } from './fault.ts';

/**
 * Error codes with which a migration may fail, by kind of fault. After each failure the test starts the engine again, like an operator, and the
 * migration must continue.
 */
const MAY_FAIL_WITH: Readonly<Partial<Record<FaultKind, readonly string[]>>> = {
  // A new migration without its first position has nothing to repair, so it fails.
  history: ['HISTORY_LOST'],
  overrun: ['HISTORY_LOST'],
  late: ['SOURCE_STILL_WRITTEN'],
};

/** @param met  the kinds of faults so far */
export function mayFailWith(code: string, met: ReadonlySet<FaultKind>): boolean {
  return [...met].some((kind) => MAY_FAIL_WITH[kind]?.includes(code));
}
