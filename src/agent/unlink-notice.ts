import { type Clock, type Logger, UserError } from '../platform/index.ts';
import { AgentStore } from './agent-store.ts';
import { Backoff } from './backoff.ts';
import type { AgentConfiguration } from './configuration.ts';
import { LinkClient } from './link-client.ts';
import { LinkTransport } from './link-transport.ts';
import { endsLink } from './refusal.ts';

/**
 * Notifies the control plane of a link that was ended here, signed with that link's key. Retries until the control plane accepts it or has
 * ended the link itself, then deletes the key. Any other refusal may be transient, and without the key the notice could not be sent. The
 * notice is in the data directory, so the next process continues with it. Resolves at once if there is none.
 * @param signal  ends the attempts of this process
 */
export async function tellOfUnlinking(
  { dataDir, plainHttp }: Pick<AgentConfiguration, 'dataDir' | 'plainHttp'>,
  { logger, clock }: { readonly logger: Logger; readonly clock: Clock },
  signal: AbortSignal,
): Promise<void> {
  const store = AgentStore.existing(dataDir);
  const ended = store?.endedLink();
  if (!store || !ended) return;
  const { link, key } = ended;
  const { agentId, serverKeys } = link;
  const transport = new LinkTransport({ ...link, plainHttp });
  const client = new LinkClient(transport, key, { agentId, serverKeys, keepServerKeys: () => undefined }, clock);
  const backoff = new Backoff();
  while (!signal.aborted) {
    try {
      const isEnded = await client.unlink(signal);
      if (!isEnded)
        logger.warn(
          { event: 'agent.link_kept', agentId },
          'the control plane keeps the link: a migration of this host has not ended',
        );
      return store.forgetEndedLink(agentId);
    } catch (error) {
      // rule: keep-key-until-ended
      if (endsLink(error)) {
        logger.info(
          { event: 'agent.link_unknown', agentId, code: error.code },
          'the control plane no longer knows this link',
        );
        return store.forgetEndedLink(agentId);
      }
      if (!(error instanceof UserError)) throw error;
      logger.warn(
        { event: 'agent.unlink_pending', agentId, code: error.code },
        'the control plane has not been notified yet that this host was unlinked',
      );
      await clock.sleep(backoff.failed(), signal);
    }
  }
}
