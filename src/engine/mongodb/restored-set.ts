import { type MongoClient, MongoStalePrimaryError } from 'mongodb';
import { type Clock, systemClock } from '../../platform/index.ts';

/**
 * Three times the default of `electionTimeoutMillis`. A primary that was replaced while it couldn't reach the others steps
 * down after that timeout.
 */
const STEPS_DOWN_WITHIN_MS = 30_000;

/**
 * Lets a client use a set again that was restored from a copy of its files with fewer elections than the client has seen.
 * The driver refuses such a primary permanently, as a former one that hasn't stepped down yet ("marked stale due to
 * electionId/setVersion mismatch"). Nothing else tells a restored set from that, except time.
 */
export function acceptRestoredSet(client: MongoClient, clock: Clock = systemClock): void {
  let refusedSince: number | undefined;
  client.on('topologyDescriptionChanged', ({ newDescription }) => {
    const servers = [...newDescription.servers.values()];
    const isRefused = servers.some(({ error }) => error instanceof MongoStalePrimaryError);
    if (!isRefused || servers.some(({ type }) => type === 'RSPrimary')) {
      refusedSince = undefined;
      return;
    }
    refusedSince ??= clock.elapsed();
    // rule: wait-for-former-primary
    if (clock.elapsed() - refusedSince < STEPS_DOWN_WITHIN_MS) return;
    // The driver derives its next description from this one, and compares with these.
    newDescription.maxElectionId = null;
    newDescription.maxSetVersion = null;
  });
}
