import { reach } from '../../platform/index.ts';
import { audit } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';
import { assertLinked } from './identify-agent.ts';

/**
 * Ends the link of an agent that says so itself: the source's owner has unlinked it. Its host name is free then.
 *
 * An agent with a migration that has not ended keeps its link: whoever takes the host name next would inherit the migration, and with it
 * the destination's credentials, so that stays an owner's decision.
 * @returns whether the link has ended
 * @throws UserError LINK_DELETED, LINK_REVOKED, AGENT_SUPERSEDED, AGENT_PENDING_APPROVAL
 */
export async function unlinkAgent(control: Control, agentId: string, remoteAddress: string): Promise<boolean> {
  const nowMs = control.clock.now();
  const ended = await control.store.write(async (transaction) => {
    const agent = await transaction.agent(agentId);
    const link = agent && (await transaction.link(agent.linkId));
    if (!agent || !link) throw new Error(`Agent ${agentId} has vanished from the store`);
    assertLinked({ agent, link });
    if ((await transaction.activeMigrationsOfAgent(agentId)).length > 0) return false;
    for (const validation of await transaction.pendingValidationsOf(agentId)) {
      const errorMessage = 'The migration host was unlinked before it answered.';
      await transaction.updateValidation({ ...validation, status: 'FAILED', errorMessage, password: null });
    }
    await transaction.updateLink({ ...link, ended: 'deleted' });
    const author = { kind: 'agent', name: agent.host, remoteAddress } as const;
    const details = { linkId: link.id, agentId, migrationHost: agent.host };
    await audit(transaction, author, nowMs, { eventTypeName: 'LINK_ENDED_BY_HOST', orgId: link.orgId, details });
    return true;
  });
  await reach('control.unlink.committed');
  if (ended) control.signals.wake(agentId);
  control.userAlarm.ring();
  return ended;
}
