import type { MongoClient } from 'mongodb';
import type { Clock, Logger } from '../../platform/index.ts';
import type { Changes } from '../concurrency/changes.ts';
import type { Gate } from '../concurrency/gate.ts';
import type { Load } from '../concurrency/load-level.ts';
import type { MemoryBudget } from '../concurrency/memory-budget.ts';
import type { WaitTimes } from '../concurrency/wait-times.ts';
import type { ClusterAddresses } from '../mongodb/connect.ts';
import type { Fence } from '../mongodb/fence.ts';
import type { Retrier } from '../mongodb/retry.ts';
import type { SourceFeatures } from '../mongodb/server-features.ts';
import type { Counters } from './counters.ts';
import type { RetryingCheckpointStore } from './retrying-checkpoint-store.ts';

/** The two clusters of a run. */
export interface Clusters {
  readonly source: MongoClient;
  readonly sourceFeatures: SourceFeatures;
  /** Why the source can't be used, in a run that doesn't need it; undefined in all others. */
  readonly lacksSource: string | undefined;
  /** For reads; writes go through the fence. */
  readonly destination: MongoClient;
  readonly fence: Fence;
  /** Whether the destination keeps other data, which the migration must neither change nor block. */
  readonly keepsDestination: boolean;
  /** Whether the destination was a source before: it has unique indexes and expiry, and may have the last copy of a document. */
  readonly isReversed: boolean;
  /** For the watchdog, a process that outlives this one. */
  readonly addresses: ClusterAddresses;
}

/** The `replicaSetId` of each cluster with which a migration began, or the `clusterId` of a sharded one. */
export interface ClusterIds {
  readonly sourceId: string;
  readonly destinationId: string;
}

/** The checkpoint of a run, and the clusters that it names. */
export interface Records {
  readonly checkpoint: RetryingCheckpointStore;
  readonly identity: ClusterIds;
}

/** When a run works, and how much at a time. */
export interface Pace {
  readonly clock: Clock;
  readonly retrier: Retrier;
  /** Aborts when the run ends, for any reason. */
  readonly signal: AbortSignal;
  /** Closed while paused. */
  readonly gate: Gate;
  readonly memory: MemoryBudget;
  readonly waitTimes: WaitTimes;
  /** The load of the copy; the operator can change it at any time. */
  readonly load: { current: Load };
  /** Target size of a range of the copy, in bytes. */
  readonly partitionBytes: number;
}

/** How a run tells of its progress, to people and to functions that wait. */
export interface Telling {
  readonly logger: Logger;
  readonly counters: Counters;
  /** Announces progress of the stream, and everything that `stateChanges` announces. */
  readonly changes: Changes;
  /** Announces changes of collections' states and of the order, which are rarer than progress. */
  readonly stateChanges: Changes;
}
