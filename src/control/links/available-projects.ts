import { authorizeOrganization } from '../accounts/actor.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';
import type { Deployment } from '../records/records.ts';

/** A source project as all linked agents together report it. */
export interface AvailableProject {
  readonly projectId: string;
  readonly name: string;
  readonly migrationHosts: readonly string[];
  readonly deployments: readonly Deployment[];
}

/**
 * What the linked agents of the organization can move, as they reported it last; they are asked to look again for whoever asks next.
 * @throws UserError as {@link authorizeOrganization}
 */
export async function availableProjects(control: Control, actor: Actor, orgId: string): Promise<AvailableProject[]> {
  await authorizeOrganization(control.store, actor, orgId, 'ORG_OWNER');
  const projects = new Map<string, AvailableProject>();
  for (const { id, host, inventory } of await control.store.linkedAgentsOf(orgId)) {
    control.signals.wantInventory(id, control.clock.now());
    for (const { projectId, name, deployments } of inventory) {
      const known = projects.get(projectId);
      const byName = new Map([...(known?.deployments ?? []), ...deployments].map((entry) => [entry.name, entry]));
      projects.set(projectId, {
        projectId,
        name,
        migrationHosts: [...(known?.migrationHosts ?? []), host],
        deployments: [...byName.values()],
      });
    }
  }
  return [...projects.values()];
}
