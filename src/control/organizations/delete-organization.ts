import { UserError } from '../../platform/index.ts';
import { authorizeOrganization } from '../accounts/actor.ts';
import { audit } from '../audit/audit.ts';
import { endLinks } from '../links/end-links.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';

/**
 * Deletes an organization without projects, and its API keys, service accounts, link-tokens and links. Its audit records stay.
 * @throws UserError ORG_NOT_EMPTY, CANNOT_DELETE_LAST_ORG, and as {@link authorizeOrganization}
 */
export async function deleteOrganization(control: Control, actor: Actor, orgId: string): Promise<void> {
  const deletedAtMs = control.clock.now();
  const agents = await control.store.write(async (transaction) => {
    const organization = await authorizeOrganization(transaction, actor, orgId, 'ORG_OWNER');
    const groups = await transaction.groupsOf(orgId);
    if (groups.length > 0) throw new UserError('ORG_NOT_EMPTY', [orgId, groups.map(({ name }) => name).join(', ')]);
    // Without an organization, no one could authenticate to create another one.
    if ((await transaction.organizations()).length === 1) throw new UserError('CANNOT_DELETE_LAST_ORG', [orgId]);
    const ended = await endLinks(transaction, orgId, deletedAtMs);
    for (const { id } of await transaction.apiKeysOf(orgId)) await transaction.deleteApiKey(id);
    for (const { id } of await transaction.serviceAccountsOf(orgId)) await transaction.deleteServiceAccount(id);
    await transaction.updateOrganization({ ...organization, deletedAtMs });
    const details = { name: organization.name };
    await audit(transaction, actor, deletedAtMs, { eventTypeName: 'ORG_DELETED', orgId, details });
    return ended.agents;
  });
  for (const { id } of agents) control.signals.wake(id);
}
