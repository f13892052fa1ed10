import type { Agent } from '../records/records.ts';

/** An agent reports at least every 10 s, even when nothing changes: by then two reports are missing. */
const LOST_AFTER_MS = 25_000;

/** How recently an agent has reported. */
export interface AgentContact {
  readonly status: 'CONNECTED' | 'LOST';
  /** When it reported last; null before its first report. */
  readonly lastReportAtMs: number | null;
}

export function contactOf({ lastReportAtMs, createdAtMs }: Agent, nowMs: number): AgentContact {
  const silentMs = nowMs - (lastReportAtMs ?? createdAtMs);
  return { status: silentMs > LOST_AFTER_MS ? 'LOST' : 'CONNECTED', lastReportAtMs };
}
