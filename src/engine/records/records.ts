import type { Binary, Timestamp, UUID } from 'mongodb';
import type {
  AccountsDigest,
  CutoverAttempt,
  MigrationState,
  PhaseTime,
  SourceWatchState,
} from '../../contract/index.ts';
import { UserError } from '../../platform/index.ts';
import type { CutoverEvidence } from './cutover-attempt.ts';

/** Version of the records in this file. The engine refuses any other, because it would misread it. */
export const CHECKPOINT_SCHEMA = 5;

/** @throws UserError CHECKPOINT_OF_OTHER_VERSION for a record that would be misread */
export function refuseOtherSchema({ _id, schema }: MigrationRecord): void {
  if (schema !== CHECKPOINT_SCHEMA) throw new UserError('CHECKPOINT_OF_OTHER_VERSION', [_id, String(schema)]);
}

/** The record of a migration, in `linkspan_internal.migrations`. */
export interface MigrationRecord {
  readonly _id: string;
  readonly schema: number;
  /** Each engine that takes the migration raises it. Engines of lower terms can no longer write. */
  readonly term: number;
  /** All engines of the migration write in sessions whose ids are made from this. */
  readonly sessions: UUID;
  /** The users that write to the destination; empty without authentication. Servers separate sessions of different users. */
  readonly writer?: string;
  /** The source's `replicaSetId`. The engine refuses another cluster behind the same name. */
  readonly sourceId: string;
  /** The destination's `replicaSetId`. */
  readonly destinationId: string;
  /** The selection and the names on the destination, as JSON. A run can't resume a copy that was made with another selection. */
  readonly selection: string;
  /** The request that its engine was started with, for a successor on another host. Absent without one. */
  readonly request?: string;
  /**
   * How often the migration has been reversed; absent for 0. Its record of each direction is on the cluster that is the
   * destination then, so the larger number of the two is the current direction.
   */
  readonly reversals?: number;
  /** When the operator asked for this direction. Absent in the first one, and while the opposite side has the users. */
  readonly reverseRequestedAtMs?: number;
  readonly state: MigrationState;
  /** The time at which it entered that state. */
  readonly stateAtMs?: number;
  /** The time of an engine's last write, by the destination's clock. */
  readonly savedAt?: Date;
  /** The engine that runs the migration; absent while none does. */
  readonly engine?: RunningEngine;
  /** Whether that engine has waited for the source so long that another one, which reads both clusters, should continue. */
  readonly cutOff?: boolean;
  /** When another engine last took it for that reason, by the destination's clock. */
  readonly cutOffTakenAt?: Date;
  /** Whether this migration blocks users' writes on the destination. It records this before it blocks. */
  readonly blocksDestination?: boolean;
  /** The position at which the stream resumes. Everything before it is on the destination, in the spool, or still to be copied. */
  readonly token?: { readonly _data: string };
  /** The end of the oplog search for writes that the stream doesn't show; the token's time when absent. */
  readonly watchedTo?: Timestamp;
  /** The time of the source's latest entry that reads have shown. A source that lacks the entry was restored from an older backup. */
  readonly seenTo?: Timestamp;
  /** The shards that a sharded source had at the first position. A stream that resumes without one of them lacks its last changes. */
  readonly shards?: readonly string[];
  /** Writes of other clients on the destination are known up to here. Absent before the verification begins. */
  readonly externalTo?: Timestamp;
  /**
   * The last term whose engine compared the changes that it applied. The record of the verification counts only if that is the term
   * before.
   */
  readonly verifiedTerm?: number;
  /** The source's catalog, on record with the token. It must not change on sources whose changes the engine can't follow. */
  readonly catalog?: CatalogRecord;
  /** The collections, by UUID, whose drops wait for a confirmation; absent until the first. */
  readonly unconfirmedDrops?: readonly string[];
  /**
   * Why nothing is written to the destination before a confirmation: in this opposite direction the source went back in
   * its history. `after` is the last confirmation of drops before that. Null once a later one has come.
   */
  readonly unconfirmedHistory?: { readonly atMs: number; readonly reason: string; readonly after: number } | null;
  /**
   * The collections of users and roles of this opposite direction's destination that changed after the cutover's last look
   * at them. Absent in a first direction.
   */
  readonly lateAccounts?: readonly string[];
  readonly phases: readonly PhaseTime[];
  readonly counts: Partial<RecordedCounts>;
  /** Set once the engine missed changes: the source's oplog no longer reached back to the token, or the stream didn't show them. */
  readonly repairs?: RepairsRecord;
  readonly cutover?: CutoverRecord;
  /**
   * One id for each call that closed the failback; absent or empty while it is open. Not part of `cutover`, which its
   * writers replace as a whole.
   */
  readonly failbackClosedBy?: readonly string[];
  readonly error?: { readonly code: string; readonly message: string; readonly remedy: string };
  /** The migration that took the destination. Since then, this one writes, opens, drops and blocks nothing there. */
  readonly retiredBy?: string;
  /** Whether the server refuses late writes of the retired migration's engines. */
  readonly shutOut?: boolean;
}

/** Whether the migration has cut over, and the opposite direction may follow. */
export function hasFailback({ cutover, failbackClosedBy = [] }: MigrationRecord): boolean {
  return cutover?.committed === true && cutover.reverseFrom !== undefined && failbackClosedBy.length === 0;
}

/**
 * Whether a return to the old source needs the record: it has the cutover whose failback is open, or it is the record of
 * the failback itself.
 */
export function keepsFailback(record: MigrationRecord): boolean {
  const { state, reversals = 0, error } = record;
  if (state === 'COMMITTED') return hasFailback(record);
  const isLost = state === 'FAILED' && (error?.code === 'FAILBACK_LOST' || error?.code === 'CUTOVER_RECORD_LOST');
  // rule: failback-keeps-own-records
  return reversals > 0 && state !== 'CANCELLED' && !isLost;
}

/** The engine that runs a migration, on the migration's record. */
export interface RunningEngine {
  readonly host: string;
  readonly pid: number;
  /** The boot and the process namespace that the process id belongs to. */
  readonly place: string;
  readonly startedAtMs: number;
}

/**
 * The collections with a migration's records beside its own one, in the order in which they are removed: a kill in
 * between leaves no record of something whose collection is unknown.
 */
export const MIGRATION_RECORDS = [
  'verifications',
  'mismatches',
  'partitions',
  'spool',
  'displaced',
  'suspects',
  'views',
  'collections',
] as const;

export interface RecordedCounts {
  readonly read: number;
  readonly applied: number;
  readonly duringCopy: number;
  readonly restarts: number;
  readonly compared: number;
  readonly differed: number;
  readonly rechecked: number;
}

/** Namespaces with digests. This is no object, because a namespace may have any name, for example `__proto__.x`. */
export type CatalogRecord = readonly (readonly [namespace: string, digest: string])[];

/** The record of a cutover. The engine writes each step before it acts on it (docs/reference/pitfalls.md#pitfall-51). */
export interface CutoverRecord {
  readonly requestedAtMs: number;
  /** Whether the source's write block is set, or about to be. */
  readonly blocking: boolean;
  /** The id of the last claim to the source's block; absent before the first. */
  readonly claim?: string;
  readonly sourceBlockedAtMs?: number;
  /** Whether the cutover has passed the point of no return: the destination is the primary copy then. */
  readonly committed: boolean;
  readonly canWriteAtMs?: number;
  /** The number of attempts that stopped users' writes, or were about to. */
  readonly attempts?: number;
  /** The stream's position on the destination at the point of no return. Absent if the source may take writes afterwards. */
  readonly drainedTo?: { readonly _data: string };
  /** Whether the source's streams show buckets only with `rawData`. */
  readonly rawData?: true;
  /** The destination's time before the point of no return, after every change that the engine had made in its catalog. */
  readonly writtenTo?: Timestamp;
  /** The indexes that the end of the cutover left; null for none. Absent before it. */
  readonly indexesLeft?: IndexesLeft | null;
  /**
   * The destination's position before its users' first write, from which the opposite direction follows it. Absent
   * unless the migration is reversible.
   */
  readonly reverseFrom?: { readonly _data: string };
  /** Whether the operator has asked for the opposite direction, whose own record may be out of reach. */
  readonly isReversed?: boolean;
  /** The source's users and roles that the destination had then; absent if they aren't migrated. */
  readonly accounts?: AccountsDigest;
  /** Changes of the source after that. They are on the source only. */
  readonly writtenAfterCommit?: { readonly count: number; readonly namespaces: string };
  /** The watch of the source after the end of the migration. Its changes include those of `writtenAfterCommit`. */
  readonly watch?: SourceWatchState;
  /** Whether this is a rehearsal, which never commits. */
  readonly rehearsing?: boolean;
  /** The last rehearsal that was begun. */
  readonly rehearsed?: number;
  /** The last attempts to cut over, with the time that each step took. */
  readonly timeline?: readonly CutoverAttempt[];
  /** The verification's counts at the point of no return. */
  readonly evidence?: CutoverEvidence;
  /** The watchdog that opened the source again. */
  readonly openedBy?: string;
}

/** A query for the migrations of which {@link mayBlockSource} is true. */
// rule: watchdog-checks-commit
export const MAY_BLOCK_SOURCE = { 'cutover.blocking': true, 'cutover.committed': false } as const;

/** Whether the migration may have blocked its source, and has to open it again. A commit leaves the source blocked. */
export function mayBlockSource({ cutover }: Pick<MigrationRecord, 'cutover'>): boolean {
  return cutover?.blocking === true && !cutover.committed;
}

/** Indexes and collections of the open destination that had another uniqueness or expiry than on the source. */
export interface IndexesLeft {
  readonly count: number;
  /** The first of them, with the properties that they lacked. */
  readonly indexes: string;
}

/** The losses of history, except for the collections that they made suspect. */
export interface RepairsRecord {
  /** The number of losses. */
  readonly declared: number;
  /** The time of the last loss. */
  readonly atMs: number;
  readonly reason: string;
  /** The number of suspect collections after the last loss. */
  readonly collections: number;
}

/** A collection of which changes may be missing, in `linkspan_internal.suspects`. The engine removes it after the repair. */
export interface SuspectRecord {
  readonly _id: { readonly m: string; readonly u: UUID };
  /** The name of the loss that made it suspect. Comparisons after an earlier loss don't count. */
  readonly mark: string;
  /** Everything up to and including this key is compared and repaired; null before the first comparison. */
  readonly comparedTo: Binary | null;
}

/** The recorded state of a collection. `creating`: not yet on the destination. `live`: copied, indexed, and its spool drained. */
export type CollectionState = 'creating' | 'pending' | 'copying' | 'indexing' | 'live';

/** The record of a collection, in `linkspan_internal.collections`. */
export interface CollectionRecord {
  readonly _id: { readonly m: string; readonly u: UUID };
  readonly sourceDatabase: string;
  readonly sourceName: string;
  readonly destinationDatabase: string;
  readonly destinationName: string;
  readonly destinationUuid: UUID | null;
  /** The query that selects the documents to migrate, as raw BSON; null for all. */
  readonly filter: Binary | null;
  readonly state: CollectionState;
  /** Whether it was live before the destination refused one of its documents or indexes. */
  readonly wasLive: boolean;
  /** For a capped collection: whether a change since its copy began may have made the order differ. */
  readonly reordered: boolean;
  /** Raw options document of the source. */
  readonly options: Binary;
  /** Raw index specs of the source, before the engine weakened any of them. */
  readonly indexes: readonly Binary[];
  readonly documents: number;
  readonly bytes: number;
  /** The copy reads at or after this time, so earlier changes need not be kept. */
  readonly readAfter: Timestamp | null;
  /** Absent until its copy is planned. */
  readonly readOrder?: ReadOrder;
}

/** The order in which the copy reads a collection, and why, in words. */
export interface ReadOrder {
  readonly order: 'ID' | 'NATURAL';
  readonly reason: string;
}

/**
 * The record of a view that the migration made on the destination, in `linkspan_internal.views`. Its key is the migration,
 * the source's database, and the name on the destination.
 */
export interface ViewRecord {
  readonly _id: { readonly m: string; readonly d: string; readonly n: string };
  /** The destination's database. */
  readonly to: string;
  /** All raw options that the view may have been made with. A view with others is not Linkspan's. */
  readonly definitions: readonly Binary[];
}

/** A range of `_id` of a copied collection, in `linkspan_internal.partitions`. Bounds are type byte and value. */
export interface PartitionRecord {
  readonly _id: { readonly m: string; readonly u: UUID; readonly n: number };
  /** Exclusive; null for no lower bound. */
  readonly low: Binary | null;
  /** Inclusive. */
  readonly high: Binary;
  /** The destination's majority has acknowledged everything up to and including this key. */
  readonly lastId: Binary | null;
  readonly documents: number;
  readonly bytes: number;
  readonly done: boolean;
  /** Set when it is the whole collection, read in natural order. Then `lastId` stays null. */
  readonly natural?: NaturalPosition;
}

/**
 * A position of a scan in natural order. Record ids are the member's own: they mean something only as long as the
 * election's winner is the primary.
 */
export interface NaturalPosition {
  readonly election: string;
  /** The record id, in decimal, up to which the destination's majority has acknowledged all documents; null for none. */
  readonly after: string | null;
  /** The record id at which the scan ends. Newer documents are changes. */
  readonly end: string;
  /** The amount that the scan has copied up to `after`. The partition's own figures are higher after a scan that began again. */
  readonly documents: number;
  readonly bytes: number;
}

/** A key that changed while its collection was copied: migration, collection, rank where the order counts, key bytes. */
export interface SpoolRecord {
  readonly _id: { readonly m: string; readonly u: UUID; readonly r: Binary; readonly k: Binary };
  /** Where the order counts: the document was deleted, and may have been inserted again since. */
  readonly left?: 'deleted' | 'reinserted';
}

/**
 * A document that was deleted on the destination because another one has its value in a unique index, in
 * `linkspan_internal.displaced`. On record before the delete, and until the document is read from the source again.
 */
export interface DisplacedRecord {
  readonly _id: { readonly m: string; readonly u: UUID; readonly k: Binary };
  /** Names the last delete. A document that was written again may be deleted again meanwhile. */
  readonly mark: string;
}
