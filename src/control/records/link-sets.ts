import type { Agent, Order } from './records.ts';
import type { StoreReader } from './store-port.ts';

/** The other agents of an agent's set, whose links are approved and have not ended. They stand by for its migrations. */
export async function peersOf(store: StoreReader, { id, linkId }: Agent): Promise<Agent[]> {
  const own = await store.get('links', linkId);
  if (own === undefined || !own.approved || own.ended !== null) return [];
  const links = await store.find('links', { setId: own.setId, ended: null, approved: true });
  if (links.length === 1) return [];
  const agents = await store.find('agents', { linkId: { in: links.map((link) => link.id) } });
  return agents.filter((agent) => agent.id !== id);
}

/** Whether an agent has the source of an order in its configuration, by its last report. */
export function offersSource({ inventory }: Agent, { sourceGroupId, sourceClusterName }: Order): boolean {
  // rule: standby-has-source
  return inventory.some(
    ({ projectId, deployments }) =>
      projectId === sourceGroupId && deployments.some(({ name }) => name === sourceClusterName),
  );
}
