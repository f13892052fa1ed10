import { errorDataOf, errorText } from '../../contract/index.ts';
import { failpoint, UserError } from '../../platform/index.ts';
import { authorizeOrganization } from '../accounts/actor.ts';
import { audit, SYSTEM } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';
import { stillBlocked } from '../records/active-side.ts';
import type { Actor } from '../records/actor.ts';
import { mayBeCommitted } from '../records/may-be-committed.ts';
import { ACTIVE_STATUSES } from '../records/migration-state.ts';
import { transition } from '../records/migration-transitions.ts';
import type { Agent, Migration } from '../records/records.ts';
import type { StoreTransaction } from '../records/store-port.ts';
import { endWatchesOf } from './end-watches.ts';
import { findOpenLink } from './list-links.ts';

/**
 * Revokes the link of an agent at once, whatever the agent does. The server refuses its requests, its migrations and validations fail, their
 * database users are dropped, and its watches of sources end. The agent need not be connected.
 * @throws UserError LINK_NOT_FOUND, and as {@link authorizeOrganization}
 */
export async function revokeLink(control: Control, actor: Actor, orgId: string, linkId: string): Promise<void> {
  const nowMs = control.clock.now();
  const agentId = await control.store.write(async (transaction) => {
    await authorizeOrganization(transaction, actor, orgId, 'ORG_OWNER');
    const { link, agent } = await findOpenLink(transaction, orgId, linkId);
    await transaction.update('links', { ...link, ended: 'revoked' });
    const failed = await failWorkOf(transaction, agent, new UserError('LINK_REVOKED', [agent.host]), nowMs);
    await endWatchesOf(transaction, agent, 'the link of its agent was revoked after it watched until', nowMs);
    const details = { linkId, agentId: agent.id, migrationHost: agent.host, liveMigrationIds: failed };
    await audit(transaction, actor, nowMs, { eventTypeName: 'LINK_REVOKED', orgId, details });
    return agent.id;
  });
  await failpoint('control.link-revocation.committed');
  control.signals.wake(agentId);
  control.userAlarm.ring();
}

/** @returns the ids of the migrations that failed */
async function failWorkOf(
  transaction: StoreTransaction,
  agent: Agent,
  reason: UserError,
  atMs: number,
): Promise<string[]> {
  const failed: string[] = [];
  for (const migration of await transaction.find('migrations', { agentId: agent.id, isActive: true })) {
    const known = errorDataOf(reason);
    const error = { ...known, remedy: `${known.remedy}${leftBlocked(migration)}` };
    const state = transition(migration.state, { kind: 'revoked', error, atMs });
    if (typeof state === 'string') continue;
    await transaction.update('migrations', { ...migration, state, password: null, updatedAtMs: atMs });
    const { id, orgId, groupId } = migration;
    const details = { liveMigrationId: id };
    const eventTypeName = state.status === 'FAILED' ? 'LIVE_MIGRATION_FAILED' : 'LIVE_MIGRATION_FAILBACK_LOST';
    await audit(transaction, SYSTEM, atMs, { eventTypeName, orgId, groupId, details });
    failed.push(id);
  }
  for (const validation of await transaction.find('validations', { agentId: agent.id, status: 'PENDING' })) {
    const errorMessage = errorText(reason);
    await transaction.update('validations', { ...validation, status: 'FAILED', errorMessage, password: null });
  }
  return failed;
}

/** Advice for the error message if a side may stay blocked, because no agent is left to lift its write block. */
function leftBlocked({ id, progress, state }: Migration): string {
  const isOpenCutover = ACTIVE_STATUSES.includes(state.status) && mayBeCommitted(state, progress);
  const hasMoved = state.status === 'COMPLETE' || state.order.direction > 0;
  if (hasMoved && isOpenCutover)
    return ' Its cutover had started: both sides may refuse writes. Before you lift a block, find out which side took the last writes.';
  // rule: advice-keep-source-blocked
  if (progress?.cutoverReport !== undefined && isOpenCutover)
    return (
      ' Its cutover is past its point of no return: the destination is the primary copy. Do not lift the write block of the source. To let users ' +
      'write to the destination, whose unique indexes and expiry are not all restored, run there: db.adminCommand({setUserWriteBlockMode: 1, global: false})'
    );
  if (hasMoved) return ` Its failback is lost. ${stillBlocked(state)}`;
  // rule: advice-read-records
  if (isOpenCutover)
    return (
      ' Its cutover may be past its point of no return: then the destination is the primary copy, and both sides refuse writes. Before you ' +
      `lift a write block, find out with: linkspan cleanup --destination URI --migration ${id} --dry-run`
    );
  if (!progress?.cutover?.blocking) return '';
  return ' The source may still refuse writes. To lift the write block, run there: db.adminCommand({setUserWriteBlockMode: 1, global: false})';
}
