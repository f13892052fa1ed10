import type { OplogHeadroom } from '../capture/oplog-gauge.ts';
import type { Wait } from '../mongodb/retry.ts';
import type { Finding } from '../preflight/finding.ts';
import type { MigrationState, PhaseTime } from '../records/migration-state.ts';

/** What the operator wants. Wanted state, not a command: saying it twice is harmless. */
export type WantedState = 'running' | 'paused' | 'cutover';

/** How a run ended, when nothing went wrong. */
export type Outcome = 'committed' | 'stopped' | 'cancelled';

/** The checkpoint with which a run began. */
export interface ResumedFrom {
  readonly state: MigrationState;
  /** When it was written, by the destination's clock; null in records of early versions. */
  readonly savedAtMs: number | null;
  readonly documentsCopied: number;
  readonly bytesCopied: number;
}

/** What lost history has led to. */
export interface RepairsProgress {
  /** How often history was lost, and the last time and reason. */
  readonly declared: number;
  readonly atMs: number;
  readonly reason: string;
  /** Those that became suspect the last time, and of them those that no longer are. */
  readonly collections: number;
  readonly collectionsDone: number;
  /** Documents of the source that were compared, and keys that differed and were carried over again. */
  readonly documentsCompared: number;
  readonly keysDiffered: number;
}

/** Keys that are in an index so far, or documents read for it: what the server counts. */
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
  /** That it made, or was about to make. */
  readonly users: number;
  readonly roles: number;
  /** Whether users cannot write there. */
  readonly blocked: boolean;
}

/**
 * A snapshot of a migration. From one process, counts never go backwards once it is no longer `created`, except after a declared restart. What the
 * source drops before anything of it was copied, and indexes that it drops, leave the numbers of what is done without one.
 */
export interface Progress {
  readonly migrationId: string;
  readonly state: MigrationState;
  /** When it entered this state; null before the first. */
  readonly sinceMs: number | null;
  readonly phases: readonly PhaseTime[];
  /** What this process found on record when it went on with the migration; absent for a run that began it. */
  readonly resumedFrom?: ResumedFrom;
  /** Estimates are the source's own statistics, raised when exceeded; of a filtered collection its copy counts what matches. */
  readonly copy: {
    readonly collectionsTotal: number;
    readonly collectionsDone: number;
    readonly documentsTotal: number;
    readonly documentsCopied: number;
    readonly bytesTotal: number;
    readonly bytesCopied: number;
    /** Ranges of `_id`, of the collections whose copy has begun. */
    readonly partitionsTotal: number;
    readonly partitionsDone: number;
    /** So often what was copied of a collection counts no more, and the numbers above grow smaller: it was dropped, or is copied anew. */
    readonly restarts: number;
  };
  readonly indexes: {
    readonly total: number;
    readonly built: number;
    /** Builds that the destination is at, as it says; null while nothing is being built, or where the user may not ask. */
    readonly building: readonly IndexBuild[] | null;
  };
  /** Over the last minute; null while too little was seen. */
  readonly rates: Rates;
  /** Until everything is copied, or until the destination has caught up; null where nobody can say. */
  readonly etaSeconds: number | null;
  readonly changes: {
    /** Changes of documents taken from the stream. */
    readonly read: number;
    /** Document changes written to the destination. */
    readonly applied: number;
    /** Of those read, the ones that fell into a range being copied at that moment. */
    readonly duringCopy: number;
    /** Dirty keys waiting in lanes. */
    readonly queued: number;
  };
  /** Whole seconds behind the source by cluster time; null before the stream is open, while paused and after the end. */
  readonly lagSeconds: number | null;
  /** "Oplog time left"; null while it is not known. */
  readonly oplog: OplogHeadroom | null;
  /** Null as long as no history was lost. */
  readonly repairs: RepairsProgress | null;
  /** Whether a cutover asked for now would begin at once. */
  readonly readyForCutover: boolean;
  /** Why it is not ready; empty when it is. */
  readonly notReadyReasons: readonly string[];
  /** Whether applications may write to the destination. */
  readonly canWrite: boolean;
  readonly cutover?: {
    readonly requestedAtMs: number;
    /** Whether the source's write block is about to be set, or is; after the point of no return it stays. */
    readonly blocking: boolean;
    /** How often users' writes were stopped, or were about to be. */
    readonly attempts?: number;
    readonly sourceBlockedAtMs?: number;
    readonly canWriteAtMs?: number;
  };
  /** Round trips of the last `hello`, in ms; null before the first. */
  readonly pingMs: { readonly source: number | null; readonly destination: number | null };
  /** host:port of the primaries. */
  readonly addresses: { readonly source: string; readonly destination: string };
  readonly warnings: readonly string[];
  /** Warnings of the migration's own preflight; `warnings` has their messages too. */
  readonly findings: readonly Finding[];
  /** What it can't go on without at the moment; empty when it goes on. The warnings say the same in sentences. */
  readonly waiting: readonly Wait[];
  /** Of a migration that was cancelled or failed: what it leaves on the destination beside `linkspan_internal`. `linkspan cleanup` has the names. */
  readonly left?: Left;
  readonly error?: { readonly code: string; readonly message: string; readonly remedy: string };
}
