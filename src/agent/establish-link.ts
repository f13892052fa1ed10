import { readFileSync } from 'node:fs';
import { LINK_FORM, parseLinkToken, publicKeyOf } from '../link/index.ts';
import { type Clock, failpoint, messageOf, UserError, version } from '../platform/index.ts';
import { AgentStore, type StoredLink } from './agent-store.ts';
import { LinkClient, type LinkIdentity } from './link-client.ts';
import { LinkTransport, type ServerAddress } from './link-transport.ts';

/** A link that this side considers valid. */
export interface EstablishedLink {
  readonly client: LinkClient;
  readonly link: StoredLink;
}

/**
 * Returns the link-token of the environment: `LINKSPAN_LINK_TOKEN`, or the content of the file `LINKSPAN_LINK_TOKEN_FILE`.
 * @throws UserError LINK_TOKEN_FILE_UNREADABLE
 */
export function linkTokenFrom(environment: NodeJS.ProcessEnv): string | undefined {
  if (environment.LINKSPAN_LINK_TOKEN) return environment.LINKSPAN_LINK_TOKEN;
  const file = environment.LINKSPAN_LINK_TOKEN_FILE;
  if (!file) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError('LINK_TOKEN_FILE_UNREADABLE', [file, messageOf(error)], { cause: error });
  }
}

/**
 * Opens the stored link, or redeems the link-token and stores the new link. A token that this agent has already redeemed is ignored, so that
 * it can stay in a service's environment.
 * @throws UserError LINK_TOKEN_MISSING if there is neither link nor token; errors of the token and of the connection to the control plane
 */
export async function establishLink(
  options: {
    readonly dataDir: string;
    readonly host: string;
    readonly token: string | undefined;
    readonly plainHttp?: ServerAddress['plainHttp'];
    readonly clock: Clock;
  },
  signal: AbortSignal,
): Promise<EstablishedLink> {
  const { dataDir, host, token: tokenText, plainHttp = 'loopback', clock } = options;
  const token = tokenText === undefined ? undefined : parseLinkToken(tokenText);
  const store = new AgentStore(dataDir);
  const stored = store.link();
  if (stored && (token === undefined || token.id === stored.tokenId)) {
    const transport = new LinkTransport({ ...stored, plainHttp });
    return { client: new LinkClient(transport, store.key(), identityOf(store, stored), clock), link: stored };
  }
  if (token === undefined || tokenText === undefined) throw new UserError('LINK_TOKEN_MISSING', [dataDir]);
  const key = store.key();
  const transport = new LinkTransport({ ...token, plainHttp });
  const serverKeys = [token.serverKey];
  const unlinked = { agentId: undefined, serverKeys, keepServerKeys: () => undefined };
  const redeeming = new LinkClient(transport, key, unlinked, clock);
  const redeemed = await redeeming.redeem(
    { form: LINK_FORM, token: tokenText.trim(), publicKey: publicKeyOf(key), host, version },
    signal,
  );
  await failpoint('agent.link-token.redeemed');
  const link = { serverUrl: token.serverUrl, keyPin: token.keyPin, serverKeys, tokenId: token.id, ...redeemed };
  store.saveLink(link);
  return { client: new LinkClient(transport, key, identityOf(store, link), clock), link };
}

function identityOf(store: AgentStore, link: StoredLink): LinkIdentity {
  const { agentId, serverKeys } = link;
  return { agentId, serverKeys, keepServerKeys: (keys) => store.saveLink({ ...link, serverKeys: keys }) };
}
