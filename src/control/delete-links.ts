import { reach, UserError } from '../platform/index.ts';
import { type Actor, authorizeOrganization } from './actor.ts';
import { audit } from './audit.ts';
import type { Control } from './control.ts';

/**
 * Ends every link of the organization and every link-token that was not redeemed: Atlas's operation has no id.
 * @throws UserError ORGANIZATION_LINK_NOT_FOUND, CANNOT_DELETE_ORG_ACTIVE_LIVE_MIGRATION_ATLAS_ORG_LINK (then nothing changes), and as
 *   {@link authorizeOrganization}
 */
export async function deleteLinks(control: Control, actor: Actor, orgId: string): Promise<void> {
  const deletedAtMs = control.clock.now();
  const agents = await control.store.write(async (transaction) => {
    await authorizeOrganization(transaction, actor, orgId, 'ORG_OWNER');
    const migrations = await transaction.activeMigrationsOfOrganization(orgId);
    if (migrations.length > 0) {
      const groupIds = [...new Set(migrations.map((migration) => migration.groupId))].join(', ');
      throw new UserError('CANNOT_DELETE_ORG_ACTIVE_LIVE_MIGRATION_ATLAS_ORG_LINK', [groupIds]);
    }
    const tokens = await transaction.openLinkTokensOf(orgId);
    const links = await transaction.openLinksOf(orgId);
    if (tokens.length + links.length === 0) throw new UserError('ORGANIZATION_LINK_NOT_FOUND');
    const linked = await transaction.linkedAgentsOf(orgId);
    for (const token of tokens) await transaction.updateLinkToken({ ...token, deletedAtMs });
    for (const link of links) await transaction.updateLink({ ...link, ended: 'deleted' });
    for (const agent of linked) {
      for (const validation of await transaction.pendingValidationsOf(agent.id)) {
        const errorMessage = 'The link to the migration host was deleted before it answered.';
        await transaction.updateValidation({ ...validation, status: 'FAILED', errorMessage, password: null });
      }
    }
    const details = { linkTokenIds: tokens.map(({ id }) => id), migrationHosts: linked.map(({ host }) => host) };
    await audit(transaction, actor, deletedAtMs, { eventTypeName: 'LINKS_DELETED', orgId, details });
    return linked;
  });
  await reach('control.links-deletion.committed');
  for (const agent of agents) control.signals.wake(agent.id);
}
