import { dateOf, type Progress } from '../../contract/index.ts';
import { counted } from '../../platform/index.ts';
import type { Agent, Migration } from '../records/records.ts';
import type { StoreReader } from '../records/store-port.ts';

type Wait = Progress['waiting'][number];

const FOR_PLACE = 'a place on the agent on ';

/**
 * Whether an agent runs as many migrations as it may. Each whose order it has counts, until it has ended: a reversible one until its
 * failback is closed. One that the agent takes over from another host needs no place.
 */
export async function isFull(store: StoreReader, { id, maxMigrations }: Agent): Promise<boolean> {
  if (maxMigrations === null) return false;
  const active = await store.find('migrations', { agentId: id, isActive: true });
  return active.filter(({ state }) => state.orderSent).length >= maxMigrations;
}

/** Returns why a migration waits for a place on its agent. */
export function waitForPlace({ host, createdAtMs }: Migration, { maxMigrations }: Agent): Wait {
  const running = counted(maxMigrations ?? 0, 'migration');
  const reason = `it runs ${running}, the most that it takes (maxMigrations in its configuration). This one begins when another has ended.`;
  return { for: `${FOR_PLACE}${host}`, since: dateOf(createdAtMs), reason };
}

/** Whether a wait is for a place: that is no fault, however long it takes. */
export function isForPlace(wait: Pick<Wait, 'for'>): boolean {
  return wait.for.startsWith(FOR_PLACE);
}
