import { UserError } from '../platform/index.ts';
import { type Actor, authorizeOrganization } from './actor.ts';
import type { Control } from './control.ts';
import type { Agent, Link } from './records.ts';
import type { StoreReader } from './store-port.ts';

/** An agent reports every ten seconds even when nothing moves: two of its reports are missing then. */
const LOST_AFTER_MS = 25_000;

/**
 * The links of the organization that have not ended, each with its agent, and whether that is lost: silent for longer than it ever is.
 * @throws UserError as {@link authorizeOrganization}
 */
export async function listLinks(
  { store, clock }: Control,
  actor: Actor,
  orgId: string,
): Promise<{ readonly link: Link; readonly agent: Agent; readonly lost: boolean }[]> {
  await authorizeOrganization(store, actor, orgId, 'ORG_MEMBER');
  const links = [];
  for (const link of await store.openLinksOf(orgId)) {
    const agent = await store.agentOfLink(link.id);
    if (!agent) continue;
    const silentMs = clock.now() - (agent.lastReportAtMs ?? agent.createdAtMs);
    links.push({ link, agent, lost: silentMs > LOST_AFTER_MS });
  }
  return links;
}

/** One of those. @throws UserError LINK_NOT_FOUND */
export async function findOpenLink(
  store: StoreReader,
  orgId: string,
  linkId: string,
): Promise<{ readonly link: Link; readonly agent: Agent }> {
  const link = await store.link(linkId);
  const agent = link?.orgId === orgId && link.ended === null ? await store.agentOfLink(linkId) : undefined;
  if (!link || !agent) throw new UserError('LINK_NOT_FOUND', [linkId]);
  return { link, agent };
}
