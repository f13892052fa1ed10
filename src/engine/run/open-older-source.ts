import type { MongoClient } from 'mongodb';
import { openAbandonedSource } from '../cutover/open-abandoned-source.ts';
import { tellHowToReopen } from '../cutover/open-source.ts';
import { connectCluster } from '../mongodb/connect.ts';
import { clusterIdOf } from '../records/confirm-clusters.ts';
import { CHECKPOINT_SCHEMA, MAY_BLOCK_SOURCE, type MigrationRecord } from '../records/records.ts';
import { recordsOn } from '../records/records-on.ts';
import { assertNotRunning } from '../records/running-engine.ts';
import type { MigrationOptions } from '../scope/options.ts';

const OPEN_WITHIN_MS = 20_000;

/**
 * Opens the source that the interrupted cutover of an older version has left blocked, in the same way as that version's
 * watchdog, which may be lost with its host. This version doesn't resume the migration, so no other process would. Takes
 * nothing from an older engine that may still run, unless told to, and reads no record of a newer version.
 * @param refusals  why the migration isn't resumed. Has no effect unless its version is a reason
 */
export async function openOlderSource(
  options: MigrationOptions,
  refusals: readonly { readonly code?: unknown }[],
): Promise<void> {
  if (!refusals.some(({ code }) => code === 'CHECKPOINT_OF_OTHER_VERSION')) return;
  try {
    await using destination = await connectCluster(options.destination, 'destination');
    await using source = await connectCluster(options.source, 'source');
    const left = await findLeft(source, destination, options);
    if (left === undefined) return;
    options.logger.warn({ event: 'cutover.interrupted' }, 'A cutover was interrupted: opening the source again');
    const { source: from, destination: to } = options;
    await openAbandonedSource({ claim: left, source: from, destination: to }, AbortSignal.timeout(OPEN_WITHIN_MS));
  } catch (error) {
    tellHowToReopen(options, error);
  }
}

/** Returns the claim of an older version under which the source may be blocked. */
async function findLeft(source: MongoClient, destination: MongoClient, { migrationId, takeOver }: MigrationOptions) {
  const older = { _id: migrationId, schema: { $lt: CHECKPOINT_SCHEMA }, retiredBy: { $exists: false } };
  // rule: open-source-of-older-version
  const record = await recordsOn<MigrationRecord>(destination, 'migrations').findOne({ ...older, ...MAY_BLOCK_SOURCE });
  const id = record?.cutover?.claim;
  if (!record || id === undefined || record.sourceId !== (await clusterIdOf(source))) return undefined;
  const { localTime } = await destination.db('admin').command({ hello: 1 });
  // rule: spare-running-older-engine
  if (!takeOver) assertNotRunning(record, localTime.getTime());
  return { id, migrationId, term: record.term };
}
