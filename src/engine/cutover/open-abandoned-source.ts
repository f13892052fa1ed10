import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Collection } from 'mongodb';
import { INTERNAL_DATABASE } from '../catalog/namespaces.ts';
import type { MigrationRecord } from '../checkpoint/records.ts';
import { connectCluster } from '../cluster/connect.ts';
import type { ClusterAddress } from '../lifecycle/options.ts';
import { unblockWrites } from './write-block.ts';

/** A cutover whose engine is gone, or answers no more. */
export interface AbandonedCutover {
  readonly migrationId: string;
  /** Of the engine that set the block. */
  readonly term: number;
  readonly source: ClusterAddress;
  readonly destination: ClusterAddress;
}

const BETWEEN_TRIES_MS = 1_000;

/**
 * Lets users write on the source again, unless the point of no return was passed or another engine has taken the migration. First the
 * migration is taken into a new term, in one conditional write: an engine that only slept can then no longer commit, so there are never two
 * writable sides (§8.4). What cannot be reached is tried again until `signal` aborts.
 * @returns whether the source was opened
 */
export async function openAbandonedSource(cutover: AbandonedCutover, signal: AbortSignal): Promise<boolean> {
  const { migrationId: _id, term, source, destination } = cutover;
  const open = { _id, 'cutover.blocking': true, 'cutover.committed': false };
  // Tells this taking from that of an engine in the same term: its acknowledgement may get lost.
  const taken = { _id, term: term + 1, 'cutover.openedBy': randomUUID() };
  const { _id: _, ...fields } = taken;
  const take = (records: Records) => records.updateOne({ ...open, term }, { $set: fields });
  // A write that changes something, for only the primary can have it acknowledged: one without an effect any former primary confirms.
  const isMine = async (records: Records) =>
    (await records.updateOne(taken, { $inc: { marks: 1 } })).matchedCount === 1;

  const wasTaken = await untilDone(signal, () =>
    withRecords(destination, async (records) => (await take(records)).matchedCount === 1 || (await isMine(records))),
  );
  const wasOpened =
    wasTaken &&
    (await untilDone(signal, async () => {
      const client = await connectCluster(source, 'source');
      try {
        // Asked at the last moment: an engine that has taken the migration since may have set a block of its own.
        if (!(await withRecords(destination, isMine))) return false;
        await unblockWrites(client);
        return true;
      } finally {
        await client.close();
      }
    }));
  if (!wasOpened) return false;
  await untilDone(signal, () =>
    withRecords(destination, (records) => records.updateOne(taken, { $set: { 'cutover.blocking': false } })),
  );
  return true;
}

type Records = Collection<MigrationRecord>;

async function withRecords<Result>(
  address: ClusterAddress,
  act: (records: Records) => Promise<Result>,
): Promise<Result> {
  const client = await connectCluster(address, 'destination');
  try {
    return await act(client.db(INTERNAL_DATABASE).collection<MigrationRecord>('migrations'));
  } finally {
    await client.close();
  }
}

async function untilDone<Result>(signal: AbortSignal, act: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (signal.aborted) throw error;
      await delay(BETWEEN_TRIES_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
