import { type Progress, REVERSALS } from '../../link/index.ts';
import { type AgentContact, contactOf } from '../links/agent-contact.ts';
import type { Control } from '../ports/control.ts';
import type { Migration } from '../records/records.ts';

type Wait = Progress['waiting'][number];

/** A migration with the control plane's own information about its state. */
export interface MigrationView extends Migration {
  /** When it was looked at. */
  readonly atMs: number;
  /** When its agent last reported anything; null once the migration has ended. */
  readonly contact: AgentContact | null;
  /** Reasons why the migration waits: first the control plane's, then those that the agent reported. */
  readonly waits: readonly Wait[];
}

export async function viewMigration(control: Control, migration: Migration): Promise<MigrationView> {
  const atMs = control.clock.now();
  if (migration.state.endedAtMs !== null) return { ...migration, atMs, contact: null, waits: [] };
  const agent = await control.store.agent(migration.agentId);
  const contact = agent ? contactOf(agent, atMs) : null;
  const waits: Wait[] = [];
  if (agent && contact?.status === 'LOST')
    waits.push(waitForAgent(migration, agent.lastReportAtMs ?? agent.createdAtMs));
  if (agent && migration.reversible && !agent.features.includes(REVERSALS)) waits.push(waitForUpgrade(migration));
  if (migration.state.status === 'NEW' && migration.state.orderSent === false) waits.push(waitForOrder(migration));
  const user = await control.store.destinationUser(migration.id);
  if (user?.state === 'wanted') waits.push(waitForUser(migration));
  return { ...migration, atMs, contact, waits: [...waits, ...(migration.progress?.waiting ?? [])] };
}

function waitForAgent({ host, state: { wanted } }: Migration, sinceMs: number): Wait {
  const then = wanted === 'cancelled' ? ' To end the migration without its agent, revoke the link.' : '';
  return { for: `the agent on ${host}`, sinceMs, reason: `it has not reported since.${then}` };
}

function waitForUpgrade({ host, updatedAtMs }: Migration): Wait {
  const reason = 'it is too old for reversible migrations, and gets no order of this one; upgrade it.';
  return { for: `the agent on ${host}`, sinceMs: updatedAtMs, reason };
}

function waitForOrder({ id, createdAtMs }: Migration): Wait {
  const reason = `nothing is copied yet, and linkspan migration cancel ${id} ends the migration at once.`;
  return { for: 'the agent to take the order', sinceMs: createdAtMs, reason };
}

function waitForUser({ createdAtMs }: Migration): Wait {
  const reason = 'the database user for this migration is not created there yet; the log of linkspan serve says why.';
  return { for: 'the destination', sinceMs: createdAtMs, reason };
}
