import { reach } from '../../platform/index.ts';
import { ChangeStream, type ResumeToken } from '../capture/change-stream.ts';
import { fingerprintOfSource } from '../catalog/fingerprint.ts';
import { listUserDatabases } from '../catalog/read-catalog.ts';
import { TrackedCollection } from '../catalog/tracked-collection.ts';
import type { CatalogRecord } from '../checkpoint/records.ts';
import { isBefore, writeBarrier } from '../cluster/cluster-time.ts';
import { blocksDestination, closeDestination } from '../cutover/destination-block.ts';
import type { EngineContext } from './context.ts';
import type { MigrationLog } from './migration-log.ts';
import type { MigrationOptions } from './options.ts';

const BARRIER_WAIT_MS = 20;

/** Makes the destination ready, and fixes the stream's position before the first read [1]. */
export async function prepareNew(
  context: EngineContext,
  log: MigrationLog,
  options: MigrationOptions,
): Promise<ResumeToken> {
  await log.enter('preparing', 'preparing');
  await context.checkpoint.forgetCollections();
  if (options.dropDestination && !context.keepsDestination) await dropUserDatabases(context);
  if (!options.once) {
    await log.save({ blocksDestination: await blocksDestination(context) });
    await closeDestination(context);
  }
  await reach('engine.prepare.destination-ready');
  const token = await fixPosition(context);
  // After the position, so that what may be read by then is a change that the stream shows, or in the fingerprint.
  await log.save(
    context.sourceFeatures.showsCatalogChanges ? { token } : { token, catalog: await readCatalog(context) },
  );
  await reach('engine.prepare.position-fixed');
  return token;
}

/** Loads what an earlier run knew. */
export async function loadTracked(context: EngineContext): Promise<void> {
  await context.views.load();
  for (const record of await context.checkpoint.collections()) {
    const collection = TrackedCollection.fromRecord(record);
    context.tracked.set(collection.id, collection);
    // A copy that ended leaves its spool behind when the engine dies at that moment.
    if (collection.state === 'live') await context.checkpoint.clearSpool(collection.uuid);
    for (const partition of await context.checkpoint.partitions(collection.uuid)) {
      collection.copied.documents += partition.documents;
      collection.copied.bytes += partition.bytes;
      collection.copied.partitions += 1;
      if (partition.done) collection.copied.partitionsDone += 1;
    }
  }
}

/**
 * A token such that every change after it will be in the stream, and every read made from now on sees every change before it: the
 * stream has been seen to pass a note that was acknowledged by the majority.
 */
async function fixPosition(context: EngineContext): Promise<ResumeToken> {
  await using stream = new ChangeStream(context, undefined);
  await stream.next(BARRIER_WAIT_MS);
  const barrier = await context.retrier.run('the source', () => writeBarrier(context.source));
  while (true) {
    const batch = await stream.next(BARRIER_WAIT_MS);
    if (!isBefore(batch.time, barrier)) return batch.token;
  }
}

async function readCatalog(context: EngineContext): Promise<CatalogRecord> {
  return [...(await context.retrier.run('the source', () => fingerprintOfSource(context)))];
}

async function dropUserDatabases(context: EngineContext): Promise<void> {
  const { destination, retrier } = context;
  for (const database of await retrier.run('the destination', () => listUserDatabases(destination))) {
    await retrier.run('the destination', () => destination.db(database).command({ dropDatabase: 1 }));
  }
}
