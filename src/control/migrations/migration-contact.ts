import { type AgentContact, contactOf, LOST_AFTER_MS } from '../links/agent-contact.ts';
import type { Agent, Migration } from '../records/records.ts';
import { isNotedAsTakenOver } from './taken-over-warning.ts';

/** The contact of a migration with its agent. Unless it is `CONNECTED`, the last report is stale. */
export interface MigrationContact extends Omit<AgentContact, 'status'> {
  /** `RESUMING`: the agent is back after a silence, or has taken the migration over, and has not reported it since. */
  readonly status: AgentContact['status'] | 'RESUMING';
  /** Whether the agent is heard, and has only stopped reporting this migration. */
  readonly isLeftOut: boolean;
}

/**
 * Returns the contact of a migration with its agent. The contact is lost, too, while the agent reports other things but
 * not the migration, as after another engine has taken it over. An agent that has restarted reports before it gets its orders, so
 * it has time to resume its migrations.
 */
export function contactOfMigration(
  migration: Pick<Migration, 'id' | 'progress' | 'reportedAtMs' | 'takenOver'>,
  agent: Agent,
  nowMs: number,
): MigrationContact {
  const { progress, reportedAtMs, takenOver } = migration;
  const contact = contactOf(agent, nowMs);
  const isLate = progress !== null && reportedAtMs !== null && nowMs - reportedAtMs > LOST_AFTER_MS;
  // The last report is of its former agent.
  // rule: figures-of-former-leader
  const isUnreported = takenOver !== null && (reportedAtMs ?? 0) <= takenOver.atMs;
  const isLeftOut = (isLate || isUnreported) && contact.status === 'CONNECTED';
  // rule: agent-silence-about-migration
  if (!isLeftOut) return { ...contact, isLeftOut };
  const sinceMs = Math.max(agent.heardSinceMs ?? 0, takenOver?.atMs ?? 0);
  // A clock that was set back must not make this longer.
  // rule: time-to-resume
  const isRecent = Math.abs(nowMs - sinceMs) <= LOST_AFTER_MS;
  const isBack = isRecent && !isNotedAsTakenOver(migration);
  return { status: isBack ? 'RESUMING' : 'LOST', lastReportAtMs: reportedAtMs, isLeftOut };
}
