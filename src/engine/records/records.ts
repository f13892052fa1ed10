import type { Binary, Timestamp, UUID } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import type { MigrationState, PhaseTime } from './migration-state.ts';

/** Version of what is stored below. Any other is refused: it would be misread. */
export const CHECKPOINT_SCHEMA = 2;

/** Version of the record of a retired migration. Engines that don't know `retiredBy` refuse it, and so can't resume the migration. */
export const RETIRED_SCHEMA = 3;

/** @throws UserError CHECKPOINT_OF_OTHER_VERSION for a record that would be misread */
export function refuseOtherSchema({ _id, schema, retiredBy }: MigrationRecord): void {
  const known = retiredBy === undefined ? CHECKPOINT_SCHEMA : RETIRED_SCHEMA;
  if (schema !== known) throw new UserError('CHECKPOINT_OF_OTHER_VERSION', [_id, String(schema)]);
}

/** One per migration, in `linkspan_internal.migrations`. */
export interface MigrationRecord {
  readonly _id: string;
  readonly schema: number;
  /** Raised by each engine that takes the migration; older ones can no longer write. */
  readonly term: number;
  /** What the ids of the sessions are made from, in which all engines of the migration write. Absent before the first term with a fence. */
  readonly sessions: UUID;
  /** Who writes to the destination, as its users are named; empty without authentication. Servers keep sessions of different users apart. */
  readonly writer?: string;
  /** `replicaSetId` of both clusters: another cluster behind the same name is refused [1]. */
  readonly sourceId: string;
  readonly destinationId: string;
  /** What is migrated and where to, as JSON: what was copied by one selection can't be followed by another. */
  readonly selection: string;
  readonly state: MigrationState;
  /** When it entered that state. */
  readonly stateAtMs?: number;
  /** When an engine wrote last, by the destination's clock. */
  readonly savedAt?: Date;
  /** The engine that runs the migration; absent while none does, and in records of earlier versions. */
  readonly engine?: RunningEngine;
  /** Whether this migration blocks users' writes on the destination; on record before it does. */
  readonly blocksDestination?: boolean;
  /** Where the stream goes on: everything before it is on the destination, in the spool, or will be read by the copy [5]. */
  readonly token?: { readonly _data: string };
  /** Up to where the oplog was searched for writes that the stream does not show; up to the token when absent. */
  readonly watchedTo?: Timestamp;
  /** Writes of others on the destination are known up to here. Absent before the verification begins. */
  readonly foreignTo?: Timestamp;
  /** What the source's catalog has to stay, by namespace, where its changes can't be followed; on record with the token. */
  readonly catalog?: CatalogRecord;
  readonly phases: readonly PhaseTime[];
  readonly counts: Partial<RecordedCounts>;
  /** Set once changes were missed: the source's oplog no longer reached back to the token, or the stream does not show them. */
  readonly repairs?: RepairsRecord;
  readonly cutover?: CutoverRecord;
  readonly error?: { readonly code: string; readonly message: string; readonly remedy: string };
  /** The migration that has taken the destination: from then on this one writes, opens, drops and blocks nothing there. */
  readonly retiredBy?: string;
  /** Whether the server refuses what engines of the retired migration may still send. */
  readonly shutOut?: boolean;
}

/** Where the engine runs that has a migration, on the migration's record. */
export interface RunningEngine {
  readonly host: string;
  readonly pid: number;
  /** Tells process ids of one boot and one process namespace from others. */
  readonly place: string;
  readonly startedAtMs: number;
}

export interface RecordedCounts {
  readonly read: number;
  readonly applied: number;
  readonly duringCopy: number;
  readonly restarts: number;
  readonly compared: number;
  readonly differed: number;
}

/** Namespace and digest. No object: names of namespaces may be any. */
export type CatalogRecord = readonly (readonly [namespace: string, digest: string])[];

/** Written step by step, each before what it announces [51]. */
export interface CutoverRecord {
  readonly requestedAtMs: number;
  /** The source's write block is about to be set, or is. */
  readonly blocking: boolean;
  /** Names the attempt in the source's oplog; absent when it was written by a version that left no notes there. */
  readonly claim?: string;
  readonly sourceBlockedAtMs?: number;
  /** Past the point of no return: the destination is the primary copy from here on. */
  readonly committed: boolean;
  readonly canWriteAtMs?: number;
  /** How often users' writes were stopped, or were about to be: once for each attempt. */
  readonly attempts?: number;
  /** Up to where the stream was on the destination at the point of no return. Absent where the source may be written to afterwards. */
  readonly drainedTo?: { readonly _data: string };
  /** Changes that came to the source after that: they are on the source alone. */
  readonly writtenAfterCommit?: { readonly count: number; readonly namespaces: string };
  /** The watchdog that opened the source again. */
  readonly openedBy?: string;
}

/** What is known of lost history, beside the collections that are suspect because of it. */
export interface RepairsRecord {
  /** How often history was lost. */
  readonly declared: number;
  /** The last time. */
  readonly atMs: number;
  readonly reason: string;
  /** How many collections became suspect then. */
  readonly collections: number;
}

/** One per collection of which changes may have been missed, in `linkspan_internal.suspects`; gone when it is repaired. */
export interface SuspectRecord {
  readonly _id: { readonly m: string; readonly u: UUID };
  /** Names the loss that made it suspect: what was compared after an earlier one does not count. */
  readonly mark: string;
  /** Everything up to and including this key is compared, and what differed is on the destination; null for nothing yet. */
  readonly comparedTo: Binary | null;
}

/** `creating`: known, but not yet on the destination. The spool is drained before a collection is `live`. */
export type CollectionState = 'creating' | 'pending' | 'copying' | 'indexing' | 'live';

/** One per collection of a migration, in `linkspan_internal.collections`. */
export interface CollectionRecord {
  readonly _id: { readonly m: string; readonly u: UUID };
  readonly sourceDatabase: string;
  readonly sourceName: string;
  readonly destinationDatabase: string;
  readonly destinationName: string;
  readonly destinationUuid: UUID | null;
  /** The query, as raw BSON, that documents have to match to be migrated. */
  readonly filter: Binary | null;
  readonly state: CollectionState;
  /** Whether it was live before the destination refused something of it. */
  readonly wasLive?: boolean;
  /** Of a capped collection: whether something happened since its copy began by which the order may differ. */
  readonly reordered?: boolean;
  /** Raw options document of the source. */
  readonly options: Binary;
  /** Raw index specs of the source as they were before anything was weakened [11]. */
  readonly indexes: readonly Binary[];
  readonly documents: number;
  readonly bytes: number;
  /** The copy reads at or after this time; changes before it need not be kept. */
  readonly readAfter: Timestamp | null;
}

/** One per view that the migration made on the destination, in `linkspan_internal.views`: migration, the source's database, name on the destination. */
export interface ViewRecord {
  readonly _id: { readonly m: string; readonly d: string; readonly n: string };
  /** The destination's database. Absent, like the next, in records of older versions. */
  readonly to?: string;
  /** Raw options of the view: as it was made, or may have been. One that is other than all of these is somebody else's. */
  readonly definitions?: readonly Binary[];
}

/** One per `_id` range of a collection being copied, in `linkspan_internal.partitions`. Bounds are type byte and value. */
export interface PartitionRecord {
  readonly _id: { readonly m: string; readonly u: UUID; readonly n: number };
  /** Exclusive; null means from the lowest. */
  readonly low: Binary | null;
  /** Inclusive. */
  readonly high: Binary;
  /** Everything up to and including this key is acknowledged by the destination's majority. */
  readonly lastId: Binary | null;
  readonly documents: number;
  readonly bytes: number;
  readonly done: boolean;
}
