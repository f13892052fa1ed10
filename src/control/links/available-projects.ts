import { authorizeOrganization } from '../accounts/actor.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';
import { linkedAgentsOf } from '../records/queries.ts';
import type { Deployment } from '../records/records.ts';

/** A source project, merged from the reports of all linked agents. */
export interface AvailableProject {
  readonly projectId: string;
  readonly name: string;
  readonly migrationHosts: readonly string[];
  readonly deployments: readonly Deployment[];
}

/**
 * The source projects that the linked agents of the organization last reported. It also asks the agents to read them again, for the
 * next request.
 * @throws UserError as {@link authorizeOrganization}
 */
export async function availableProjects(control: Control, actor: Actor, orgId: string): Promise<AvailableProject[]> {
  await authorizeOrganization(control.store, actor, orgId, 'ORG_OWNER');
  const projects = new Map<string, AvailableProject>();
  for (const { id, host, inventory } of await linkedAgentsOf(control.store, orgId)) {
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
