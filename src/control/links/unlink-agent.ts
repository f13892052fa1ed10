import { failpoint } from '../../platform/index.ts';
import { audit } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';
import { endWatchesOf } from './end-watches.ts';
import { assertLinkOpen } from './identify-agent.ts';

/**
 * Ends the link of an agent at its own request, because its operator unlinked it. Its host name is then free. The link of an agent that waits
 * for approval ends as well. Otherwise an owner could approve it later, and migrations would move to a key that no longer exists.
 *
 * An agent with an active migration keeps its link. Otherwise the next agent with this host name would inherit the migration and the
 * destination's credentials, which only an owner may decide. Its watches of sources end, for the same reason.
 * @returns whether the link has ended
 * @throws UserError LINK_DELETED, LINK_REVOKED, AGENT_SUPERSEDED
 */
export async function unlinkAgent(control: Control, agentId: string, remoteAddress: string): Promise<boolean> {
  const nowMs = control.clock.now();
  const ended = await control.store.write(async (transaction) => {
    const agent = await transaction.get('agents', agentId);
    const link = agent && (await transaction.get('links', agent.linkId));
    if (!agent || !link) throw new Error(`Agent ${agentId} is missing in the store`);
    assertLinkOpen({ agent, link });
    if ((await transaction.find('migrations', { agentId, isActive: true })).length > 0) return false;
    for (const validation of await transaction.find('validations', { agentId, status: 'PENDING' })) {
      const errorMessage = 'The migration host was unlinked before it answered.';
      await transaction.update('validations', { ...validation, status: 'FAILED', errorMessage, password: null });
    }
    await endWatchesOf(transaction, agent, 'its migration host was unlinked after it watched until', nowMs);
    await transaction.update('links', { ...link, ended: 'deleted' });
    const author = { kind: 'AGENT', name: agent.host, remoteAddress } as const;
    const details = { linkId: link.id, agentId, migrationHost: agent.host };
    await audit(transaction, author, nowMs, { eventTypeName: 'LINK_ENDED_BY_HOST', orgId: link.orgId, details });
    return true;
  });
  await failpoint('control.unlink.committed');
  if (ended) control.signals.wake(agentId);
  control.userAlarm.ring();
  return ended;
}
