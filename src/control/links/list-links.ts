import { UserError } from '../../platform/index.ts';
import { authorizeOrganization } from '../accounts/actor.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';
import type { Agent, Link } from '../records/records.ts';
import { findOne, type StoreReader } from '../records/store-port.ts';
import { type AgentContact, contactOf } from './agent-contact.ts';

/**
 * Lists the links of the organization that have not ended, each with its agent and the time of the agent's last report.
 * @throws UserError as {@link authorizeOrganization}
 */
export async function listLinks(
  { store, clock }: Control,
  actor: Actor,
  orgId: string,
): Promise<{ readonly link: Link; readonly agent: Agent; readonly contact: AgentContact }[]> {
  await authorizeOrganization(store, actor, orgId, 'ORG_MEMBER');
  const links = [];
  for (const link of await store.find('links', { orgId, ended: null })) {
    const agent = await findOne(store, 'agents', { linkId: link.id });
    if (!agent) continue;
    links.push({ link, agent, contact: contactOf(agent, clock.now()) });
  }
  return links;
}

/** Finds a link of the organization that has not ended. @throws UserError LINK_NOT_FOUND */
export async function findOpenLink(
  store: StoreReader,
  orgId: string,
  linkId: string,
): Promise<{ readonly link: Link; readonly agent: Agent }> {
  const link = await store.get('links', linkId);
  const agent = link?.orgId === orgId && link.ended === null ? await findOne(store, 'agents', { linkId }) : undefined;
  if (!link || !agent) throw new UserError('LINK_NOT_FOUND', [linkId]);
  return { link, agent };
}
