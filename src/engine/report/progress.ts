import type { CutoverReport, Gate } from '../../platform/index.ts';
import type { OplogHeadroom } from '../capture/oplog-gauge.ts';
import type { ShardFigures } from '../capture/shard-figures.ts';
import type { Wait } from '../mongodb/retry.ts';
import type { Finding } from '../preflight/finding.ts';
import type { CutoverAttempt } from '../records/cutover-attempt.ts';
import type { MigrationState, PhaseTime } from '../records/migration-state.ts';
import type { AccountsDigest, SourceWatchState } from '../records/records.ts';
import type { TimeShares } from './time-shares.ts';
import type { VerificationProgress } from './verification-progress.ts';

/** The state that the operator wants. It isn't a command, so setting it twice does no harm. */
export type WantedState = 'running' | 'paused' | 'cutover';

/** How a run ended without an error. */
export type Outcome = 'committed' | 'stopped' | 'cancelled';

/** The checkpoint at the beginning of a run. */
export interface ResumedFrom {
  readonly state: MigrationState;
  /** When it was written, by the destination's clock; null in records of early versions. */
  readonly savedAtMs: number | null;
  readonly documentsCopied: number;
  readonly bytesCopied: number;
}

/** The repairs after lost history. */
export interface RepairsProgress {
  /** How often history was lost, and the last time and reason. */
  readonly declared: number;
  readonly atMs: number;
  readonly reason: string;
  /** Collections that became suspect the last time, and how many of them are repaired. */
  readonly collections: number;
  readonly collectionsDone: number;
  /** Documents of the source that were compared, and keys that differed and were applied again. */
  readonly documentsCompared: number;
  readonly keysDiffered: number;
}

/** Keys in an index so far, or documents read for it, as the server counts. */
export interface IndexBuild {
  readonly namespace: string;
  readonly done: number;
  readonly total: number;
}

export interface Rates {
  readonly bytesPerSecond: number | null;
  readonly documentsPerSecond: number | null;
  /** Changes applied. */
  readonly changesPerSecond: number | null;
}

export interface Left {
  readonly collections: number;
  readonly views: number;
  /** Indexes that are unique or expire documents on the source and not here. */
  readonly weakenedIndexes: number;
  /** Users that it created, or was about to create. */
  readonly users: number;
  readonly roles: number;
  /** Whether users can't write there. */
  readonly blocked: boolean;
}

/**
 * A snapshot of a migration. In one process, counts never decrease once the state isn't `created`, except after a
 * declared restart. There is one more exception: when the source drops an index, or a collection before its copy began,
 * the counts of finished work decrease without a restart.
 */
export interface Progress {
  readonly migrationId: string;
  readonly state: MigrationState;
  /** When it entered this state; null before the first. */
  readonly sinceMs: number | null;
  readonly phases: readonly PhaseTime[];
  /** The record that this process found when it resumed the migration; absent for a run that began it. */
  readonly resumedFrom?: ResumedFrom;
  /**
   * Estimates are the source's statistics, raised when exceeded. For a filtered collection, its copy counts the
   * matching documents.
   */
  readonly copy: {
    readonly collectionsTotal: number;
    readonly collectionsDone: number;
    readonly documentsTotal: number;
    readonly documentsCopied: number;
    readonly bytesTotal: number;
    readonly bytesCopied: number;
    /** Ranges of `_id`, for collections whose copy has begun. */
    readonly partitionsTotal: number;
    readonly partitionsDone: number;
    /** How often a collection's copied data stopped counting, because it was dropped or is copied again. The numbers above decrease then. */
    readonly restarts: number;
  };
  readonly indexes: {
    readonly total: number;
    readonly built: number;
    /** The destination's current index builds; null while there are none, or when the user may not ask. */
    readonly building: readonly IndexBuild[] | null;
  };
  /** Over the last minute; null before enough was measured. */
  readonly rates: Rates;
  /** The uses of the last minute, as shares of 1; absent before enough was measured, and while nothing runs. */
  readonly timeShares?: TimeShares;
  /** Time until everything is copied, or until the destination has caught up; null when unknown. */
  readonly etaSeconds: number | null;
  readonly changes: {
    /** Changes of documents read from the stream. */
    readonly read: number;
    /** Changes of documents written to the destination. */
    readonly applied: number;
    /** Changes among `read` in a range that was being copied at that moment. */
    readonly duringCopy: number;
    /** Dirty keys waiting in lanes. */
    readonly queued: number;
  };
  /**
   * Whole seconds behind the source, by cluster time; null before the stream is open, while paused, and after the end.
   */
  readonly lagSeconds: number | null;
  /**
   * "Oplog time left"; null while unknown. Of a sharded source the smallest figures of all shards, and null unless all are known.
   */
  readonly oplog: OplogHeadroom | null;
  /** The shards of a sharded source, the one that was added first at the beginning; absent for a replica set. */
  readonly shards?: readonly ShardFigures[];
  /** How far source and destination are compared. */
  readonly verification: VerificationProgress;
  /** Null while no history was lost. */
  readonly repairs: RepairsProgress | null;
  /** The checklist of the cutover. `readyForCutover` and `notReadyReasons` follow from it. */
  readonly readiness: readonly Gate[];
  /** Whether a cutover requested now would begin at once. */
  readonly readyForCutover: boolean;
  /** Why it isn't ready; empty when it is. */
  readonly notReadyReasons: readonly string[];
  /** Whether applications may write to the destination. */
  readonly canWrite: boolean;
  readonly cutover?: {
    readonly requestedAtMs: number;
    /** Whether the source's write block is set or about to be. After the point of no return it stays. */
    readonly blocking: boolean;
    /** Whether the commit was sent and the destination has not answered: it may have the commit. Absent otherwise. */
    readonly commitSent?: boolean;
    /** How often users' writes were stopped, or were about to be. */
    readonly attempts?: number;
    readonly sourceBlockedAtMs?: number;
    readonly canWriteAtMs?: number;
    /** The stream's position at the commit of a source that stays blocked: writes after it are on the source only. */
    readonly watchedFrom?: string;
    /** With `watchedFrom`: the `replicaSetId` of the source. */
    readonly watchedId?: string;
    /** With `watchedFrom`: the source's users and roles at the commit; absent if they aren't migrated. */
    readonly watchedAccounts?: AccountsDigest;
    /** Changes of the source after the commit that are known of. */
    readonly writtenAfterCommit?: { readonly count: number; readonly namespaces: string };
    /** Where an earlier process left the watch of the source. */
    readonly watch?: SourceWatchState;
  };
  /** The last attempts to cut over, with the time that each step took; empty before a cutover was wanted. */
  readonly cutoverAttempts: readonly CutoverAttempt[];
  /** The last abort of a cutover that the agent has carried out. The engine itself reports none. */
  readonly cutoverAborted?: number;
  /** The report of the cutover, from its point of no return on. */
  readonly cutoverReport?: CutoverReport;
  /** Round trip of the last `hello`, in ms; null before the first. */
  readonly pingMs: { readonly source: number | null; readonly destination: number | null };
  /** host:port of the primaries. */
  readonly addresses: { readonly source: string; readonly destination: string };
  readonly warnings: readonly string[];
  /** Warnings of the migration's own preflight; `warnings` has their messages too. */
  readonly findings: readonly Finding[];
  /**
   * The current waits of the migration; empty while it makes progress. The warnings say the same in sentences.
   */
  readonly waiting: readonly Wait[];
  /**
   * The leftovers of a cancelled or failed migration on the destination, besides `linkspan_internal`. `linkspan cleanup`
   * lists the names.
   */
  readonly left?: Left;
  readonly error?: { readonly code: string; readonly message: string; readonly remedy: string };
}
