import { peersOf } from '../records/link-sets.ts';
import type { Control } from './control.ts';

/** Wakes an agent and those that stand by for it. */
export async function wakeSet({ store, signals }: Pick<Control, 'store' | 'signals'>, agentId: string): Promise<void> {
  signals.wake(agentId);
  const agent = await store.get('agents', agentId);
  for (const { id } of agent ? await peersOf(store, agent) : []) signals.wake(id);
}
