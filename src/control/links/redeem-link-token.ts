import { timingSafeEqual } from 'node:crypto';
import { hashSecret, type LinkToken, type RedeemResponse } from '../../link/index.ts';
import { failpoint, newId, UserError } from '../../platform/index.ts';
import { audit } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';
import { linkedAgentsOf, markRedeemed } from '../records/queries.ts';
import type { Agent, Link, StoredLinkToken } from '../records/records.ts';
import type { StoreTransaction } from '../records/store-port.ts';
import { replaceAgent } from './replace-agent.ts';

/** Linked agents of one organization. */
const MOST_AGENTS = 200;

export interface Redemption {
  readonly token: LinkToken;
  /** The agent's key, verified by the request's signature. */
  readonly publicKey: string;
  readonly host: string;
  readonly version: string;
  readonly remoteAddress: string;
  /** Throws if the peer is not on the token's access list. */
  readonly checkAddress: (accessListIps: readonly string[]) => void;
}

/**
 * Redeems a link-token: links an agent's key to the organization. As many agents may redeem it as it is for. An agent that was killed before
 * it read the answer can repeat the request with the same key and gets the same answer.
 *
 * An agent may take over a linked host name if it has the same key or a token for that host. Any other agent waits for an owner's
 * approval, and gets no data and no work before.
 * @throws UserError LINK_TOKEN_UNKNOWN, LINK_TOKEN_EXPIRED, LINK_TOKEN_USED, LINK_TOKEN_FOR_ANOTHER_HOST, AGENT_LIMIT, and those of `checkAddress`
 */
export async function redeemLinkToken(control: Control, redemption: Redemption): Promise<RedeemResponse> {
  const nowMs = control.clock.now();
  const {
    token: { id: tokenId, secret },
    publicKey,
    host,
    version,
  } = redemption;
  const { answer, superseded } = await control.store.write(async (transaction) => {
    const token = await transaction.get('linkTokens', tokenId);
    if (!token || !isSecretOf(token, secret)) throw new UserError('LINK_TOKEN_UNKNOWN', [tokenId]);
    redemption.checkAddress(token.accessListIps);
    if (token.deletedAtMs !== null) throw new UserError('LINK_TOKEN_UNKNOWN', [tokenId]);
    if (token.host !== null && token.host !== host)
      throw new UserError('LINK_TOKEN_FOR_ANOTHER_HOST', [tokenId, token.host]);
    const before = await redeemedBefore(transaction, tokenId, publicKey);
    if (before !== undefined) return { answer: before, superseded: [] };
    if (!(await markRedeemed(transaction, tokenId, nowMs))) {
      if (token.redeemedAtMs === null) throw new UserError('LINK_TOKEN_EXPIRED', [tokenId, expiryOf(token)]);
      throw new UserError('LINK_TOKEN_USED', [tokenId]);
    }
    const { orgId, accessListIps } = token;
    const linked = await linkedAgentsOf(transaction, orgId);
    const earlier = linked.filter((other) => other.host === host);
    const approved = token.host === host || earlier.every((other) => other.publicKey === publicKey);
    // An agent that takes the place of another one is no further one.
    if (linked.length >= MOST_AGENTS && (!approved || earlier.length === 0))
      throw new UserError('AGENT_LIMIT', [orgId, String(MOST_AGENTS)]);
    const link: Link = {
      id: newId(nowMs),
      orgId,
      tokenId,
      setId: tokenId,
      accessListIps,
      createdAtMs: nowMs,
      ended: null,
      approved,
    };
    const agent: Agent = {
      id: newId(nowMs),
      linkId: link.id,
      orgId,
      publicKey,
      host,
      version,
      inventory: [],
      createdAtMs: nowMs,
      lastSequence: -1,
      lastReportAtMs: null,
      heardSinceMs: null,
      standbys: [],
      maxMigrations: null,
    };
    const superseded = approved ? earlier : [];
    await transaction.insert('links', link);
    await transaction.insert('agents', agent);
    for (const other of superseded) await replaceAgent(transaction, other, agent);
    const { remoteAddress } = redemption;
    const author = { kind: 'AGENT', name: host, remoteAddress } as const;
    const supersededAgentIds = superseded.map(({ id }) => id);
    const status = approved ? 'LINKED' : 'PENDING_APPROVAL';
    const details = { linkTokenId: tokenId, agentId: agent.id, supersededAgentIds, status };
    await audit(transaction, author, nowMs, { eventTypeName: 'LINK_TOKEN_REDEEMED', orgId, details });
    return { answer: { agentId: agent.id, linkId: link.id, orgId }, superseded };
  });
  await failpoint('control.redemption.committed');
  for (const agent of superseded) control.signals.wake(agent.id);
  return answer;
}

/** The answer to the agent with this key that has redeemed the token before; undefined without one. */
async function redeemedBefore(
  transaction: StoreTransaction,
  tokenId: string,
  publicKey: string,
): Promise<RedeemResponse | undefined> {
  const links = await transaction.find('links', { tokenId });
  const agents = await transaction.find('agents', { linkId: { in: links.map(({ id }) => id) } });
  // rule: token-once-for-each-key
  const agent = agents.find((other) => other.publicKey === publicKey);
  return agent && { agentId: agent.id, linkId: agent.linkId, orgId: agent.orgId };
}

function expiryOf({ expiresAtMs }: StoredLinkToken): string {
  return new Date(expiresAtMs ?? 0).toISOString();
}

function isSecretOf(token: StoredLinkToken, secret: string): boolean {
  return timingSafeEqual(Buffer.from(token.secretHash), Buffer.from(hashSecret(secret)));
}
