/**
 * Keeps two migrations from sharing the block of one cluster: the one whose destination it is opens it at its cutover,
 * and the one whose source it is needs it permanently. The first writes its record there and then reads the notes about
 * the block; the second writes its note and then reads the records. So at least one of them sees the other.
 */

import { randomUUID } from 'node:crypto';
import type { MongoClient } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { NotNow } from '../mongodb/failure-policy.ts';
import { unlessUnauthorized } from '../mongodb/unauthorized.ts';
import type { Clusters, Pace, Records } from '../records/context.ts';
import { hasFailback, type MigrationRecord } from '../records/records.ts';
import { recordsOn } from '../records/records-on.ts';
import { foreseeClaim } from './source-claim.ts';

/**
 * Returns the migration that has blocked a source as its own destination, and will open it.
 * @returns undefined when there is none, also when the source's user may not read the records
 */
export async function migrationInto(source: MongoClient, migrationId: string): Promise<string | undefined> {
  const unfinished = {
    _id: { $ne: migrationId },
    // rule: leave-block-to-failback
    blocksDestination: true,
    'cutover.committed': { $ne: true },
    state: { $ne: 'CANCELLED' },
    retiredBy: { $exists: false },
  } as const;
  const records = recordsOn<MigrationRecord>(source, 'migrations');
  return (await unlessUnauthorized(() => records.findOne(unfinished)))?._id;
}

/** Describes for the operator why a cutover can't rely on a block: the source is the destination of another migration. */
export function describeMigrationInto(migrationId: string): string {
  return (
    `the source is the destination of migration ${migrationId}, which has blocked it and will open it. Cut that over, cancel it, or close its ` +
    'failback, before you cut over from here'
  );
}

/**
 * Returns the other migrations that have cut over to a cluster, and whose next direction may cut over from it. A retired
 * record counts, too: the next direction has its record elsewhere.
 */
export async function mayLeave(cluster: MongoClient, migrationId: string): Promise<readonly string[]> {
  const others = recordsOn<MigrationRecord>(cluster, 'migrations').find({ _id: { $ne: migrationId } });
  return (await others.toArray()).filter(hasFailback).map(({ _id }) => _id);
}

/**
 * Confirms that no other migration relies on the block of an old source, which a return would lift. Waits for one that
 * is cutting over from there. The record of the opposite direction must be there already.
 * @throws UserError FAILBACK_LOST when another migration has cut over from there
 */
export async function confirmBlockUnused({
  destination,
  retrier,
  checkpoint,
}: Clusters & Records & Pace): Promise<void> {
  const { migrationId } = checkpoint;
  const committedBy = await retrier.run('the destination', async () => {
    const owned = await foreseeClaim(destination, { id: randomUUID(), migrationId, term: Number.MAX_SAFE_INTEGER });
    if (owned.outcome === 'refused')
      throw new NotNow(`migration ${owned.holder?.migrationId} is cutting over from there`);
    return owned.outcome === 'held' ? owned.block?.committedBy : undefined;
  });
  if (!committedBy || committedBy === migrationId) return;
  throw new UserError('FAILBACK_LOST', [
    migrationId,
    `migration ${committedBy} has cut over from the old source since, and needs its write block`,
  ]);
}
