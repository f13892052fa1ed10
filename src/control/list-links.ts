import { type Actor, authorizeOrganization } from './actor.ts';
import type { Control } from './control.ts';
import type { Agent, Link } from './records.ts';

/**
 * The links of the organization that have not ended, each with its agent.
 * @throws UserError as {@link authorizeOrganization}
 */
export async function listLinks(
  { store }: Control,
  actor: Actor,
  orgId: string,
): Promise<{ readonly link: Link; readonly agent: Agent }[]> {
  await authorizeOrganization(store, actor, orgId, 'ORG_MEMBER');
  const links = [];
  for (const link of await store.openLinksOf(orgId)) {
    const agent = await store.agentOfLink(link.id);
    if (agent) links.push({ link, agent });
  }
  return links;
}
