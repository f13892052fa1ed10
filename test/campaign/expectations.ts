import { FAULT_KINDS, type FaultKind } from './fault.ts';

/** Faults that the engine is not yet made for: left out unless `--with` names them. */
const NOT_YET: readonly FaultKind[] = ['zombie'];

/**
 * What a migration may fail of when the round has such a fault, by code of the error catalogue. After each the engine is started again, as an
 * operator would, and has to go on; only what is in `LASTING` may be the end of a round.
 */
const MAY_FAIL_OF: Readonly<Partial<Record<FaultKind, readonly string[]>>> = {
  history: ['HISTORY_LOST'],
  overrun: ['HISTORY_LOST'],
  full: ['NAMESPACE_CONFLICT', 'INTERNAL_ERROR'],
};
const LASTING = ['HISTORY_LOST'];

/** The faults of a campaign. @param more  further kinds, of those that are left out @param only  no others than these, if any are given */
export function faultKinds(more: readonly string[], only: readonly string[]): readonly FaultKind[] {
  const unknown = [...more, ...only].find((name) => !FAULT_KINDS.includes(name as FaultKind));
  if (unknown !== undefined)
    throw new Error(`there is no fault called ${unknown}; there are ${FAULT_KINDS.join(', ')}`);
  if (only.length > 0) return FAULT_KINDS.filter((kind) => only.includes(kind));
  return FAULT_KINDS.filter((kind) => !NOT_YET.includes(kind) || more.includes(kind));
}

/** @param met  the kinds of faults that were there so far */
export function mayFailOf(code: string, met: ReadonlySet<FaultKind>): boolean {
  return [...met].some((kind) => MAY_FAIL_OF[kind]?.includes(code));
}

export function mayEndWith(code: string): boolean {
  return LASTING.includes(code);
}
