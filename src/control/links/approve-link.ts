import { failpoint } from '../../platform/index.ts';
import { authorizeOrganization } from '../accounts/actor.ts';
import { audit } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';
import { linkedAgentsOf } from '../records/queries.ts';
import { findOpenLink } from './list-links.ts';
import { replaceAgent } from './replace-agent.ts';

/**
 * Approves an agent that has the host name of a linked agent. It replaces that agent and takes over its work.
 * @throws UserError LINK_NOT_FOUND, and as {@link authorizeOrganization}
 */
export async function approveLink(control: Control, actor: Actor, orgId: string, linkId: string): Promise<void> {
  const nowMs = control.clock.now();
  const woken = await control.store.write(async (transaction) => {
    await authorizeOrganization(transaction, actor, orgId, 'ORG_OWNER');
    const { link, agent } = await findOpenLink(transaction, orgId, linkId);
    if (link.approved) return [];
    const earlier = (await linkedAgentsOf(transaction, orgId)).filter(({ host }) => host === agent.host);
    await transaction.update('links', { ...link, approved: true });
    for (const other of earlier) await replaceAgent(transaction, other, agent);
    const supersededAgentIds = earlier.map(({ id }) => id);
    const details = { linkId, agentId: agent.id, migrationHost: agent.host, supersededAgentIds };
    await audit(transaction, actor, nowMs, { eventTypeName: 'LINK_APPROVED', orgId, details });
    return [agent, ...earlier];
  });
  await failpoint('control.link-approval.committed');
  for (const { id } of woken) control.signals.wake(id);
}
