/** @param ms  milliseconds since the epoch */
export function dateOf(ms: number): string {
  return new Date(ms).toISOString();
}

/** @param ms  milliseconds since the epoch; null for a time that is unknown */
export function dateOrNull(ms: number | null): string | null {
  return ms === null ? null : dateOf(ms);
}
