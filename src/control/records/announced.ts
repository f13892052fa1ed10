/** The announcements of a migration. Each fact is announced once, also after a restart or when the clock is set. */
export interface Announced {
  /** Whether it was announced that no operator requests the cutover, in this period of readiness. */
  readonly awaited?: boolean;
  /** The waits that were announced and are not over. */
  readonly waits?: readonly string[];
  /** Changes of the source after the commit. */
  readonly written?: number;
  /** The last threshold of the cutover window that was announced, or passed when this end was set. */
  readonly window?: { readonly endsAtMs: number; readonly hours: WindowThreshold };
}

/** Hours before the end of the cutover window. */
export type WindowThreshold = 24 | 1;

const THRESHOLDS: readonly WindowThreshold[] = [1, 24];
const HOUR_MS = 3_600_000;
/** A clock that is set back by less than this doesn't make a threshold count again. */
const CLOCK_TOLERANCE_MS = 10 * 60_000;

/** Returns the last threshold that a window has passed; undefined before the first, after the end, and without a window. */
export function thresholdOf(windowEndsAtMs: number | null, atMs: number): WindowThreshold | undefined {
  if (windowEndsAtMs === null || atMs >= windowEndsAtMs) return undefined;
  return THRESHOLDS.find((hours) => windowEndsAtMs - atMs <= hours * HOUR_MS);
}

/** Returns the note of a window whose end a user has just set: that user knows how little time is left. */
export function windowSetTo(endsAtMs: number, atMs: number): Announced['window'] {
  const hours = thresholdOf(endsAtMs, atMs);
  return hours === undefined ? undefined : { endsAtMs, hours };
}

/**
 * Returns the note of the window after a look at it.
 * @returns as `passed`, the threshold to announce
 */
export function windowAfter(
  { windowEndsAtMs, announced }: { readonly windowEndsAtMs: number | null; readonly announced?: Announced },
  atMs: number,
): { readonly window: Announced['window']; readonly passed?: WindowThreshold } {
  const before = announced?.window;
  const isOfThisEnd = before !== undefined && before.endsAtMs === windowEndsAtMs;
  // A clock that was ahead announced it too early, so it has to be announced again in time.
  const wasTooEarly = isOfThisEnd && before.endsAtMs - atMs > before.hours * HOUR_MS + CLOCK_TOLERANCE_MS;
  const known = isOfThisEnd && !wasTooEarly ? before : undefined;
  const hours = thresholdOf(windowEndsAtMs, atMs);
  if (hours === undefined || windowEndsAtMs === null || (known !== undefined && known.hours <= hours))
    return { window: known };
  return { window: { endsAtMs: windowEndsAtMs, hours }, passed: hours };
}
