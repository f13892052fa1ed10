import { failpoint } from '../../platform/index.ts';
import type { ResumeToken } from '../capture/change-stream.ts';
import { fixPosition } from '../capture/fix-position.ts';
import { listUserDatabases } from '../catalog/read-catalog.ts';
import type { Migrated, RunContext } from '../collections/context.ts';
import { fingerprintOfSource } from '../collections/fingerprint.ts';
import { TrackedCollection } from '../collections/tracked-collection.ts';
import { allEnded } from '../concurrency/all-ended.ts';
import { Slots } from '../concurrency/slots.ts';
import { blocksDestination, closeDestination } from '../cutover/destination-block.ts';
import { historyOf } from '../mongodb/seen-history.ts';
import type { Clusters, Pace, Records } from '../records/context.ts';
import type { MigrationLog } from '../records/migration-log.ts';
import type { CatalogRecord } from '../records/records.ts';
import type { MigrationOptions } from '../scope/options.ts';

const AT_A_TIME = 8;

/**
 * Prepares the destination, and fixes the stream's position before the first read
 * (docs/reference/pitfalls.md#pitfall-1). Records that the copy has begun, and returns that position.
 */
export async function prepareNew(
  context: RunContext,
  log: MigrationLog,
  options: MigrationOptions,
): Promise<ResumeToken> {
  await allEnded([log.advance('preparation begun'), context.checkpoint.forgetCollections()]);
  if (options.dropDestination && !context.keepsDestination) await dropUserDatabases(context);
  const blocked = !options.once && (await blocksDestination(context));
  if (!options.once) {
    await log.save({ blocksDestination: blocked });
    await closeDestination(context);
  }
  await failpoint('engine.prepare.destination-ready');
  const token = await fixPosition(context);
  // The catalog is read after the position: a later change is in the stream, and an earlier one in the fingerprint.
  const { shards } = historyOf(context.source).record;
  const fields = {
    token,
    blocksDestination: blocked,
    // Nothing that this term applies comes before its verification.
    ...(options.verification === 'OFF' ? {} : { verifiedTerm: log.record.term }),
    ...(shards && { shards }),
  };
  await log.advance(
    'copy begun',
    context.sourceFeatures.showsCatalogChanges ? fields : { ...fields, catalog: await readCatalog(context) },
  );
  await failpoint('engine.prepare.position-fixed');
  return token;
}

/** Loads the records of an earlier run. Writes nothing. */
export async function loadTracked(context: Records & Pace & Migrated): Promise<void> {
  const { checkpoint, retrier, views } = context;
  const [marked, records, partitions] = await Promise.all([
    checkpoint.suspects(),
    checkpoint.collections(),
    checkpoint.copied(),
    retrier.run('the destination', () => views.load()),
    retrier.run('the destination', () => context.accounts.load()),
  ]);
  const suspects = new Map(marked.map((one) => [one._id.u.toHexString(false), one]));
  for (const record of records) {
    const collection = TrackedCollection.fromRecord(record);
    collection.suspicion = suspects.get(collection.id) ?? null;
    context.tracked.set(collection.id, collection);
  }
  for (const { _id, documents, bytes, done } of partitions) {
    const copied = context.tracked.get(_id.u.toHexString(false))?.copied;
    if (copied === undefined) continue;
    copied.documents += documents;
    copied.bytes += bytes;
    copied.partitions += 1;
    if (done) copied.partitionsDone += 1;
  }
}

/** Clears the spools of copied collections: an engine that was killed at the end of a copy leaves them behind. */
export async function clearLeftSpools({ checkpoint, tracked }: Records & Migrated): Promise<void> {
  const live = [...tracked.values()].filter(({ state }) => state === 'live');
  const slots = new Slots(AT_A_TIME);
  await allEnded(live.map(({ uuid }) => slots.run(() => checkpoint.clearSpool(uuid))));
}

async function readCatalog(context: Clusters & Pace & Migrated): Promise<CatalogRecord> {
  return [...(await context.retrier.run('the source', () => fingerprintOfSource(context)))];
}

async function dropUserDatabases(context: Clusters & Pace): Promise<void> {
  const { destination, fence, retrier } = context;
  for (const database of await retrier.run('the destination', () => listUserDatabases(destination))) {
    await retrier.run('the destination', () => fence.change(database, { dropDatabase: 1 }));
  }
}
