import { failpoint, UserError } from '../../platform/index.ts';
import { authorizeOrganization } from '../accounts/actor.ts';
import { audit } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';
import { endLinks } from './end-links.ts';

/**
 * Ends all links and all unredeemed link-tokens of the organization, because Atlas's operation has no id.
 * @throws UserError ORGANIZATION_LINK_NOT_FOUND, CANNOT_DELETE_ORG_ACTIVE_LIVE_MIGRATION_ATLAS_ORG_LINK (nothing changes then), and as
 *   {@link authorizeOrganization}
 */
export async function deleteLinks(control: Control, actor: Actor, orgId: string): Promise<void> {
  const deletedAtMs = control.clock.now();
  const agents = await control.store.write(async (transaction) => {
    await authorizeOrganization(transaction, actor, orgId, 'ORG_OWNER');
    const migrations = await transaction.find('migrations', { orgId, isActive: true });
    if (migrations.length > 0) {
      const groupIds = [...new Set(migrations.map((migration) => migration.groupId))].join(', ');
      throw new UserError('CANNOT_DELETE_ORG_ACTIVE_LIVE_MIGRATION_ATLAS_ORG_LINK', [groupIds]);
    }
    const ended = await endLinks(transaction, orgId, deletedAtMs);
    if (ended.linkTokenIds.length + ended.links === 0) throw new UserError('ORGANIZATION_LINK_NOT_FOUND');
    const details = { linkTokenIds: ended.linkTokenIds, migrationHosts: ended.agents.map(({ host }) => host) };
    await audit(transaction, actor, deletedAtMs, { eventTypeName: 'LINKS_DELETED', orgId, details });
    return ended.agents;
  });
  await failpoint('control.links-deletion.committed');
  for (const agent of agents) control.signals.wake(agent.id);
}
