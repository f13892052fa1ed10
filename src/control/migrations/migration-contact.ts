import { type AgentContact, contactOf, LOST_AFTER_MS } from '../links/agent-contact.ts';
import type { Agent, Migration } from '../records/records.ts';

/** The contact of a migration with its agent. */
export interface MigrationContact extends AgentContact {
  /** Whether the agent is heard, and has only stopped reporting this migration. */
  readonly isLeftOut: boolean;
}

/**
 * Returns the contact of a migration with its agent. The contact is lost, too, while the agent reports other things but
 * not the migration, as after another engine has taken it over: then what the agent reported last is no longer true.
 */
export function contactOfMigration(
  { progress, reportedAtMs, updatedAtMs }: Pick<Migration, 'progress' | 'reportedAtMs' | 'updatedAtMs'>,
  agent: Agent,
  nowMs: number,
): MigrationContact {
  const contact = contactOf(agent, nowMs);
  // Records of older versions have no time of the report.
  const lastReportAtMs = reportedAtMs ?? updatedAtMs;
  const isLeftOut = progress !== null && contact.status === 'CONNECTED' && nowMs - lastReportAtMs > LOST_AFTER_MS;
  return isLeftOut ? { status: 'LOST', lastReportAtMs, isLeftOut } : { ...contact, isLeftOut };
}
