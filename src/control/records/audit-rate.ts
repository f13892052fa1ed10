/**
 * Audit records about one migration in an hour. An agent that reports another state each time would write one with each
 * report, and the store never deletes a record.
 */
const PER_HOUR = 60;
const HOUR_MS = 3_600_000;

/** The audit records about a migration in the hour that began with one of them. */
export interface AuditRate {
  readonly sinceMs: number;
  readonly written: number;
  /** Records that were left out since the last one that was written. */
  readonly leftOut: number;
}

interface Told {
  readonly eventTypeName: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * Selects the records about a migration that may be written now. The first one after some were left out tells their number.
 * @param rate  undefined before the first record
 */
export function withinRate<Event extends Told>(
  events: readonly Event[],
  rate: AuditRate | undefined,
  atMs: number,
): { readonly events: readonly Event[]; readonly auditRate: AuditRate | undefined } {
  let auditRate = rate;
  const admitted: Event[] = [];
  for (const event of events) {
    const { sinceMs, written, leftOut } = hourOf(auditRate, atMs);
    // rule: audit-rate
    const isLeftOut = written >= PER_HOUR;
    if (!isLeftOut) admitted.push(leftOut === 0 ? event : { ...event, details: { ...event.details, leftOut } });
    auditRate = { sinceMs, written: written + Number(!isLeftOut), leftOut: isLeftOut ? leftOut + 1 : 0 };
  }
  return { events: admitted, auditRate };
}

function hourOf(rate: AuditRate | undefined, atMs: number): AuditRate {
  if (rate === undefined) return { sinceMs: atMs, written: 0, leftOut: 0 };
  const ageMs = atMs - rate.sinceMs;
  // Also when the clock was set back.
  return ageMs >= 0 && ageMs < HOUR_MS ? rate : { ...rate, sinceMs: atMs, written: 0 };
}
