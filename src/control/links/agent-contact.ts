import type { Agent } from '../records/records.ts';

/** After this silence an agent counts as lost. It reports at least every 10 s, so two reports are missing by then. */
export const LOST_AFTER_MS = 25_000;

/** Whether an agent is connected, and when it last reported. */
export interface AgentContact {
  readonly status: 'CONNECTED' | 'LOST';
  /** Time of its last report; null before the first. */
  readonly lastReportAtMs: number | null;
}

export function contactOf({ lastReportAtMs, createdAtMs }: Agent, nowMs: number): AgentContact {
  const silentMs = nowMs - (lastReportAtMs ?? createdAtMs);
  return { status: silentMs > LOST_AFTER_MS ? 'LOST' : 'CONNECTED', lastReportAtMs };
}
