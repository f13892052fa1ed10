import type { CutoverReport } from './cutover-report.ts';
import type { VerificationMode } from './options.ts';
import type { Finding } from './plan.ts';

/** How a run ended without an error. */
export type Outcome = 'committed' | 'stopped' | 'cancelled';

/**
 * The state of a migration. `created`: this process has not loaded its records, so all figures are 0. `copying`
 * includes index builds of copied collections. `tailing`: everything is copied, and changes are applied.
 */
export type MigrationState =
  | 'created'
  | 'preparing'
  | 'copying'
  | 'tailing'
  | 'paused'
  | 'committing'
  | 'committed'
  | 'cancelled'
  | 'failed';

/** The time that one phase took. */
export interface PhaseTime {
  readonly name: 'preparing' | 'copying' | 'catching up' | 'cutover';
  readonly startedAtMs: number;
  /** Absent while the phase lasts. */
  readonly endedAtMs?: number;
}

/** The subject of a wait, for example a cluster that doesn't answer. */
export interface Wait {
  readonly for: string;
  readonly sinceMs: number;
  readonly reason: string;
}

/** One condition of the cutover. docs/reference/readiness.md lists them by name. */
export interface Gate {
  readonly name: string;
  /** `waiting`: it passes by itself. `blocked`: somebody has to act. `skipped`: it doesn't apply to this migration. */
  readonly state: 'passed' | 'waiting' | 'blocked' | 'unknown' | 'skipped';
  readonly value: number | null;
  readonly limit: number | null;
  /** Why it has this state; not empty unless it is passed. */
  readonly reasons: readonly string[];
  readonly measuredAtMs: number | null;
  /** Estimated time until it passes; null when unknown. */
  readonly etaSeconds: number | null;
}

/** One attempt to cut over, or a rehearsal of one. */
export interface CutoverAttempt {
  /** Counts attempts from 1. */
  readonly number: number;
  /** Set for a rehearsal. */
  readonly rehearsal?: number;
  readonly startedAtMs: number;
  /** Absent while it runs. `put off`: Linkspan repeats it. */
  readonly result?: 'committed' | 'put off' | 'aborted' | 'interrupted' | 'failed' | 'rehearsed' | 'not rehearsed';
  /** Why it was put off or failed, or what a rehearsal didn't reach. */
  readonly reason?: string;
  /** How long users' writes were stopped. */
  readonly stoppedMs?: number;
  /** The pause that a cutover would have had, as a rehearsal estimates it. */
  readonly wouldStopMs?: number;
}

/** How far source and destination are compared. */
export interface VerificationProgress {
  readonly mode: VerificationMode;
  /**
   * `waiting`: no collection is live. `comparing`: some collections aren't compared as a whole. `following`: each
   * changed document is compared after its last change.
   */
  readonly phase: 'off' | 'waiting' | 'comparing' | 'following';
  readonly documentsTotal: number;
  readonly documentsCompared: number;
  /** Documents that were equal after their last change. */
  readonly documentsRechecked: number;
  /** Documents that differed although no change explained it, and how many of them still differ. */
  readonly mismatches: { readonly found: number; readonly open: number };
  /** The source's time at which the destination equals it; null while something is not compared, or differs. */
  readonly equalAtMs: number | null;
  readonly etaSeconds: number | null;
}

/** Counts of a cancelled or failed migration's leftovers on the destination. `linkspan cleanup` lists the names. */
export interface Leftovers {
  readonly collections: number;
  readonly views: number;
  /** Indexes that are unique or expire documents on the source and not here. */
  readonly weakenedIndexes: number;
  readonly users: number;
  readonly roles: number;
  /** Whether users can't write there. */
  readonly blocked: boolean;
}

/** An error as data. */
export interface ErrorData {
  /** Key of docs/reference/errors.md. */
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/**
 * The uses of the last minute, as shares whose sum is 1. While several tasks wait, the time is divided evenly
 * among them.
 */
export interface TimeShares {
  /** The length of the measured time, up to a minute. */
  readonly seconds: number;
  /** Waited for replies of the source. */
  readonly sourceRead: number;
  /** This process computed, for whatever purpose. */
  readonly engine: number;
  /** Waited for acknowledgements of the destination, or for its index builds. */
  readonly destinationWrite: number;
  /** Waited because of the limit of the copy rate. */
  readonly throttled: number;
  /** Waited for memory that other documents in flight hold. */
  readonly memory: number;
  /** Nothing was to be copied or applied. */
  readonly idle: number;
}

/** The figures of one shard of a sharded source, measured on the shard itself. */
export interface ShardFigures {
  readonly shard: string;
  /** Why nothing is known of it; null while it answers, and before the first look. */
  readonly whyUnknown: string | null;
  /** Its oplog; null while unknown. */
  readonly oplog: { readonly windowSeconds: number; readonly leftSeconds: number } | null;
  /** Over the last minute, as the shard counts them, whoever causes them; null before enough was measured. */
  readonly rates: {
    /** Inserted documents, and commands that update or delete. */
    readonly writesPerSecond: number;
    /** Commands that read. */
    readonly readsPerSecond: number;
    readonly oplogBytesPerSecond: number;
  } | null;
  /** Round trip to its primary; null while unknown. */
  readonly pingMs: number | null;
}

/** The progress of one collection. */
export interface CollectionProgress {
  /** Its UUID on the source, in hexadecimal. */
  readonly id: string;
  /** Its name on the source. */
  readonly namespace: string;
  /** `catching up`: it applies the changes of the copy's time. `suspect`: changes may have been missed, and both sides are compared. */
  readonly state: 'waiting' | 'copying' | 'indexing' | 'catching up' | 'done' | 'suspect' | 'set aside';
  /** Why it doesn't advance, or is compared; null while it advances, or is done. */
  readonly reason: string | null;
  readonly documentsCopied: number;
  /** The source's statistics, raised when exceeded; null before they are read. */
  readonly documentsTotal: number | null;
  readonly bytesCopied: number;
  readonly bytesTotal: number | null;
  /** In which order the copy reads it, and why; null until its copy is planned. */
  readonly readOrder: { readonly order: '_id' | 'natural'; readonly reason: string } | null;
  /** Over the last minute of the copy; null when it isn't copied now, or unknown. */
  readonly documentsPerSecond: number | null;
  readonly bytesPerSecond: number | null;
}

/** A snapshot of a migration. Names that end in `Ms` are milliseconds, and points in time count since the epoch. */
export interface Progress {
  readonly migrationId: string;
  readonly state: MigrationState;
  /** When it entered this state; null before the first. */
  readonly sinceMs: number | null;
  readonly phases: readonly PhaseTime[];
  /** Totals are the source's statistics, raised when exceeded. */
  readonly copy: {
    readonly collectionsTotal: number;
    readonly collectionsDone: number;
    readonly documentsTotal: number;
    readonly documentsCopied: number;
    readonly bytesTotal: number;
    readonly bytesCopied: number;
    /** How often a collection was dropped or copied again. The numbers above decrease then. */
    readonly restarts: number;
  };
  readonly indexes: { readonly total: number; readonly built: number };
  /** Over the last minute; null before enough was measured. */
  readonly rates: {
    readonly bytesPerSecond: number | null;
    readonly documentsPerSecond: number | null;
    readonly changesPerSecond: number | null;
  };
  /** The uses of the last minute; absent before enough was measured, and while nothing runs. */
  readonly timeShares?: TimeShares;
  /** Time until everything is copied, or until the destination has caught up; null when unknown. */
  readonly etaSeconds: number | null;
  /** Changes of documents: read from the source, and written to the destination. */
  readonly changes: { readonly read: number; readonly applied: number };
  /** Whole seconds behind the source; null before the change stream is open, while paused, and after the end. */
  readonly lagSeconds: number | null;
  /** The source's oplog; null while unknown. */
  readonly oplog: {
    /** From its oldest entry to its newest. */
    readonly windowSeconds: number;
    /** Time until changes would be lost if nobody read them, at the current write rate. */
    readonly leftSeconds: number;
    /** The shard that loses changes first. Only a sharded source has it, and the figures are then the smallest of all shards. */
    readonly shard?: string;
  } | null;
  /** The shards of a sharded source; absent for a replica set. */
  readonly shards?: readonly ShardFigures[];
  readonly verification: VerificationProgress;
  /** The checklist of the cutover. */
  readonly readiness: readonly Gate[];
  /** Whether a cutover requested now would begin at once. */
  readonly readyForCutover: boolean;
  /** Why it isn't ready; empty when it is. */
  readonly notReadyReasons: readonly string[];
  /** Whether applications may write to the destination. */
  readonly canWrite: boolean;
  /** The last attempts to cut over; empty before a cutover was wanted. */
  readonly cutoverAttempts: readonly CutoverAttempt[];
  /** The report of the cutover, from its point of no return on. */
  readonly cutoverReport?: CutoverReport;
  /** host:port of the primaries; empty while unknown. */
  readonly addresses: { readonly source: string; readonly destination: string };
  readonly warnings: readonly string[];
  /** Warnings of the migration's own plan; `warnings` has their messages too. */
  readonly findings: readonly Finding[];
  /** The current waits; empty while the migration makes progress. */
  readonly waiting: readonly Wait[];
  /** Set for a migration that is cancelled or failed. */
  readonly left?: Leftovers;
  /** The error of a failed migration. */
  readonly error?: ErrorData;
}

/** The watch of the source after the commit. */
export interface SourceWatch {
  /** The source's cluster time, in milliseconds, up to which every change is known. */
  readonly watchedToMs: number;
  /** Changes after the commit. They are on the source only. */
  readonly changes: number;
  /** The first namespaces with such changes. */
  readonly namespaces: readonly string[];
  /** Why it ended: `over` when its time was over and nothing was missed. Undefined when `signal` ended it. */
  readonly ended?: string;
}
