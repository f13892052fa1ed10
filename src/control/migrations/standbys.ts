import { contactOf } from '../links/agent-contact.ts';
import { offersSource, peersOf } from '../records/link-sets.ts';
import type { Agent, Migration } from '../records/records.ts';
import type { StoreReader } from '../records/store-port.ts';

/** An agent that stands by for a migration, as users of the API see it. */
export interface Standby {
  readonly host: string;
  /** `READY`: it reads both clusters, and takes over when its leader is gone. */
  readonly status: 'READY' | 'NOT_READY' | 'LOST';
  /** Why it is not ready; absent when it is ready or lost. */
  readonly reason?: string | undefined;
}

/** The agents that stand by for a migration. @param leader  its agent */
export async function standbysOf(
  store: StoreReader,
  migration: Migration,
  leader: Agent,
  atMs: number,
): Promise<readonly Standby[]> {
  return (await peersOf(store, leader)).map((agent) => standbyOf(agent, migration, atMs));
}

/**
 * Returns an agent that could take a migration over now.
 * @param host  only this one; by default any
 */
export async function readyStandby(
  store: StoreReader,
  migration: Migration,
  leader: Agent,
  { atMs, host }: { readonly atMs: number; readonly host?: string | undefined },
): Promise<Agent | undefined> {
  // rule: standby-ready-to-move
  return (await peersOf(store, leader)).find(
    (agent) => (host ?? agent.host) === agent.host && standbyOf(agent, migration, atMs).status === 'READY',
  );
}

function standbyOf(agent: Agent, migration: Migration, atMs: number): Standby {
  const { host, standbys } = agent;
  if (contactOf(agent, atMs).status === 'LOST') return { host, status: 'LOST' };
  if (!offersSource(agent, migration))
    return { host, status: 'NOT_READY', reason: 'its configuration lacks the source' };
  const reported = standbys.find(({ id }) => id === migration.id);
  if (reported === undefined) return { host, status: 'NOT_READY', reason: 'it has not read both clusters yet' };
  if (reported.record !== 'UNREAD') return { host, status: 'READY' };
  return { host, status: 'NOT_READY', reason: reported.reason ?? 'it cannot read both clusters' };
}
