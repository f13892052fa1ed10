import { UserError } from '../../platform/index.ts';
import { listCollections } from '../catalog/read-catalog.ts';
import type { Migrated } from '../collections/context.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { allEnded } from '../concurrency/all-ended.ts';
import { Slots } from '../concurrency/slots.ts';
import type { Clusters, Pace } from '../records/context.ts';

const AT_A_TIME = 8;

/**
 * Confirms, once nothing is written any more, that no client has dropped or renamed a copied collection. A collection
 * without changes would not show that.
 * @throws UserError NAMESPACE_CONFLICT with the name
 */
export async function confirmDestination({
  destination,
  fence,
  retrier,
  tracked,
}: Clusters & Pace & Migrated): Promise<void> {
  // Catalogs are read from the primary; this write confirms that it still is the primary.
  await retrier.run('the destination', () => fence.confirm());
  const byDatabase = Map.groupBy(tracked.values(), ({ destinationDatabase }) => destinationDatabase);
  const slots = new Slots(AT_A_TIME);
  const confirm = async (database: string, collections: readonly TrackedCollection[]) => {
    const listed = await retrier.run('the destination', () => listCollections(destination, database));
    const names = new Map(listed.map(({ uuid, name }) => [uuid?.toHexString(), name]));
    const lost = collections.find((one) => names.get(one.destinationUuid?.toHexString()) !== one.destinationName);
    if (lost === undefined) return;
    const namespace = `${database}.${lost.destinationName}`;
    throw new UserError('NAMESPACE_CONFLICT', [namespace, 'another client dropped or renamed it on the destination']);
  };
  // rule: confirm-collections-of-destination
  await allEnded([...byDatabase].map(([database, collections]) => slots.run(() => confirm(database, collections))));
}
