/** Keys that have not settled when none has for this long, and six times as long as a difference takes to count, keep changing. */
export const UNDECIDED_AFTER_MS = 60_000;
export const UNDECIDED_AFTER_SETTLES = 6;
/** Expired documents take 150 s to count as a difference. */
const EXPIRY_UNDECIDED_AFTER_MS = 300_000;

/**
 * Returns for how long a comparison waits without progress until something is undecided.
 * @param settleMs  how long a difference must last before it counts
 * @param expires  whether servers delete documents by themselves
 */
export function patienceMs(settleMs: number, expires = false): number {
  return Math.max(expires ? EXPIRY_UNDECIDED_AFTER_MS : UNDECIDED_AFTER_MS, UNDECIDED_AFTER_SETTLES * settleMs);
}
