import type { MongoClient } from 'mongodb';

export interface CheckpointCounts {
  readonly state: string;
  readonly documentsCopied: number;
  readonly bytesCopied: number;
  /** Duration of the initial sync so far; 0 before it. */
  readonly copySeconds: number;
  /** Document changes read from the stream. */
  readonly changesRead: number;
  /** Document states written for these changes. A document that changed several times in the meantime is written once. */
  readonly changesApplied: number;
  /** Change events in a range that was being copied at that moment. */
  readonly changesDuringCopy: number;
}

interface MigrationRecord {
  readonly _id: string;
  readonly state: string;
  readonly phases: readonly { readonly name: string; readonly startedAt: string; readonly endedAt?: string }[];
  /** Empty before the first count. */
  readonly counts: Partial<Record<'read' | 'applied' | 'duringCopy', number>>;
}

/** Reads the engine's counts from its checkpoint on the destination, because the Atlas API has no fields for them. */
export async function readCheckpointCounts(
  destination: MongoClient,
  migrationId: string,
): Promise<CheckpointCounts | undefined> {
  const internal = destination.db('linkspan_internal');
  const record = await internal.collection<MigrationRecord>('migrations').findOne({ _id: migrationId });
  if (!record) return undefined;
  const [copied] = await internal
    .collection('partitions')
    .aggregate<{ documents: number; bytes: number }>([
      { $match: { '_id.m': migrationId } },
      { $group: { _id: null, documents: { $sum: '$documents' }, bytes: { $sum: '$bytes' } } },
    ])
    .toArray();
  const copying = record.phases.find(({ name }) => name === 'COPYING');
  return {
    state: record.state,
    documentsCopied: copied?.documents ?? 0,
    bytesCopied: copied?.bytes ?? 0,
    copySeconds: copying
      ? (Date.parse(copying.endedAt ?? new Date().toISOString()) - Date.parse(copying.startedAt)) / 1_000
      : 0,
    changesRead: record.counts.read ?? 0,
    changesApplied: record.counts.applied ?? 0,
    changesDuringCopy: record.counts.duringCopy ?? 0,
  };
}
