import { UserError } from '../../platform/index.ts';
import { authorizeOrganization } from '../accounts/actor.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';
import { offersSource, peersOf } from '../records/link-sets.ts';
import type { Agent, Link } from '../records/records.ts';
import { findOne, type StoreReader } from '../records/store-port.ts';
import { type AgentContact, contactOf } from './agent-contact.ts';

/** A link with its agent, and the agent's part in active migrations. */
export interface ListedLink {
  readonly link: Link;
  readonly agent: Agent;
  readonly contact: AgentContact;
  /** How many active migrations it leads. */
  readonly leads: number;
  /** For how many active migrations it stands by. */
  readonly standsBy: number;
}

/**
 * Lists the links of the organization that have not ended.
 * @throws UserError as {@link authorizeOrganization}
 */
export async function listLinks({ store, clock }: Control, actor: Actor, orgId: string): Promise<ListedLink[]> {
  await authorizeOrganization(store, actor, orgId, 'ORG_MEMBER');
  const links: ListedLink[] = [];
  const activeOf = (agentId: string) => store.find('migrations', { agentId, isActive: true });
  for (const link of await store.find('links', { orgId, ended: null })) {
    const agent = await findOne(store, 'agents', { linkId: link.id });
    if (!agent) continue;
    const leads = (await activeOf(agent.id)).length;
    const ofPeers = (await Promise.all((await peersOf(store, agent)).map(({ id }) => activeOf(id)))).flat();
    const standsBy = ofPeers.filter((migration) => offersSource(agent, migration)).length;
    links.push({ link, agent, contact: contactOf(agent, clock.now()), leads, standsBy });
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
