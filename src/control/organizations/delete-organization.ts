import { UserError } from '../../platform/index.ts';
import { authorizeOrganization } from '../accounts/actor.ts';
import { audit } from '../audit/audit.ts';
import { endLinks } from '../links/end-links.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';
import { findOrganizations, groupsOf } from '../records/queries.ts';

/**
 * Deletes an organization without projects, and its API keys, service accounts, link-tokens and links. Its audit records stay.
 * @throws UserError ORG_NOT_EMPTY, CANNOT_DELETE_LAST_ORG, and as {@link authorizeOrganization}
 */
export async function deleteOrganization(control: Control, actor: Actor, orgId: string): Promise<void> {
  const deletedAtMs = control.clock.now();
  const agents = await control.store.write(async (transaction) => {
    const organization = await authorizeOrganization(transaction, actor, orgId, 'ORG_OWNER');
    const groups = await groupsOf(transaction, orgId);
    if (groups.length > 0) throw new UserError('ORG_NOT_EMPTY', [orgId, groups.map(({ name }) => name).join(', ')]);
    // Without an organization, no one could authenticate to create another one.
    if ((await findOrganizations(transaction)).length === 1) throw new UserError('CANNOT_DELETE_LAST_ORG', [orgId]);
    const ended = await endLinks(transaction, orgId, deletedAtMs);
    await transaction.delete('accounts', { orgId });
    await transaction.update('organizations', { ...organization, deletedAtMs });
    const details = { name: organization.name };
    await audit(transaction, actor, deletedAtMs, { eventTypeName: 'ORG_DELETED', orgId, details });
    return ended.agents;
  });
  for (const { id } of agents) control.signals.wake(id);
}
