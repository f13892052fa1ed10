import { UserError } from '../../platform/index.ts';
import { clustersOf } from '../records/queries.ts';
import type { StoreReader } from '../records/store-port.ts';

/** Names in an error; further ones are only counted. */
const MOST_NAMES = 10;

/** Returns the error of a name that no cluster of a group has. It names those that there are. */
export async function clusterNotFound(store: StoreReader, groupId: string, name: string): Promise<UserError> {
  const existing = (await clustersOf(store, groupId)).map((cluster) => cluster.name);
  return new UserError('CLUSTER_NOT_FOUND', [name, groupId, namesOf(existing)]);
}

/** Lists names for an error: `C, D`. */
export function namesOf(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  const shown = [...names].sort().slice(0, MOST_NAMES);
  const more = names.length > MOST_NAMES ? [`and ${names.length - MOST_NAMES} more`] : [];
  return [...shown, ...more].join(', ');
}
