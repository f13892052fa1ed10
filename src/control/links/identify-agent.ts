import { isId, UserError } from '../../platform/index.ts';
import type { Control } from '../ports/control.ts';
import type { Agent, Link } from '../records/records.ts';

/** An agent and its link. */
export interface LinkedAgent {
  readonly agent: Agent;
  readonly link: Link;
}

/**
 * The agent with the id in a request. The caller must verify that the agent sent the request before it calls {@link assertLinked} or
 * {@link assertLinkOpen}.
 * @throws UserError AGENT_UNKNOWN
 */
export async function findAgent({ store }: Control, agentId: string): Promise<LinkedAgent> {
  const agent = isId(agentId) ? await store.get('agents', agentId) : undefined;
  const link = agent && (await store.get('links', agent.linkId));
  if (!agent || !link) throw new UserError('AGENT_UNKNOWN');
  return { agent, link };
}

/** @throws UserError LINK_DELETED, LINK_REVOKED, AGENT_SUPERSEDED, AGENT_PENDING_APPROVAL */
export function assertLinked(linked: LinkedAgent): void {
  assertLinkOpen(linked);
  const { agent, link } = linked;
  if (!link.approved) throw new UserError('AGENT_PENDING_APPROVAL', [agent.host, link.id]);
}

/**
 * Enough for an agent that ends its own link, which it may do before an owner has approved it.
 * @throws UserError LINK_DELETED, LINK_REVOKED, AGENT_SUPERSEDED
 */
export function assertLinkOpen({ agent, link }: LinkedAgent): void {
  if (link.ended === 'superseded') throw new UserError('AGENT_SUPERSEDED', [agent.host]);
  if (link.ended === 'revoked') throw new UserError('LINK_REVOKED', [agent.host]);
  if (link.ended !== null) throw new UserError('LINK_DELETED');
}
