import type { Progress } from '../../link/index.ts';
import type { Gate } from '../../platform/index.ts';
import { type AgentContact, contactOf } from '../links/agent-contact.ts';
import type { Control } from '../ports/control.ts';
import { ACTIVE_STATUSES } from '../records/migration-state.ts';
import type { Migration } from '../records/records.ts';
import { gatesOfMigration } from './migration-gates.ts';

type Wait = Progress['waiting'][number];

/** A migration with the control plane's own information about its state. */
export interface MigrationView extends Migration {
  /** When its agent last reported anything; null once the migration has ended. */
  readonly contact: AgentContact | null;
  /** Reasons why the migration waits: first the control plane's, then those that the agent reported. */
  readonly waits: readonly Wait[];
  /** What its cutover depends on; empty once it has ended. */
  readonly gates: readonly Gate[];
  readonly isReady: boolean;
}

export async function viewMigration(control: Control, migration: Migration): Promise<MigrationView> {
  if (!ACTIVE_STATUSES.includes(migration.state.status))
    return { ...migration, contact: null, waits: [], gates: [], isReady: false };
  const agent = await control.store.agent(migration.agentId);
  const nowMs = control.clock.now();
  const contact = agent ? contactOf(agent, nowMs) : null;
  const waits: Wait[] = [];
  if (agent && contact?.status === 'LOST')
    waits.push(waitForAgent(migration, agent.lastReportAtMs ?? agent.createdAtMs));
  if (migration.state.status === 'NEW' && migration.state.orderSent === false) waits.push(waitForOrder(migration));
  const user = await control.store.destinationUser(migration.id);
  if (user?.state === 'wanted') waits.push(waitForUser(migration));
  const { all: gates, areReady: isReady } = gatesOfMigration(migration, agent, nowMs);
  return { ...migration, contact, waits: [...waits, ...(migration.progress?.waiting ?? [])], gates, isReady };
}

function waitForAgent({ host, state: { wanted } }: Migration, sinceMs: number): Wait {
  const then = wanted === 'cancelled' ? ' To end the migration without its agent, revoke the link.' : '';
  return { for: `the agent on ${host}`, sinceMs, reason: `it has not reported since.${then}` };
}

function waitForOrder({ id, createdAtMs }: Migration): Wait {
  const reason = `nothing is copied yet, and linkspan migration cancel ${id} ends the migration at once.`;
  return { for: 'the agent to take the order', sinceMs: createdAtMs, reason };
}

function waitForUser({ createdAtMs }: Migration): Wait {
  const reason = 'the database user for this migration is not created there yet; the log of linkspan serve says why.';
  return { for: 'the destination', sinceMs: createdAtMs, reason };
}
