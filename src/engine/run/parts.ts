import type { MongoClient } from 'mongodb';
import type { Clock, Logger } from '../../platform/index.ts';
import type { UsersAndRoles } from '../accounts/users-and-roles.ts';
import type { StreamPosition } from '../apply/stream-position.ts';
import type { MadeViews } from '../collections/made-views.ts';
import type { SeenChanges } from '../collections/seen-changes.ts';
import type { TrackedCollections } from '../collections/tracked-collections.ts';
import type { UnconfirmedDrops } from '../collections/unconfirmed-drops.ts';
import type { Changes } from '../concurrency/changes.ts';
import type { Gate } from '../concurrency/gate.ts';
import type { CurrentLoad } from '../concurrency/load-level.ts';
import type { MemoryBudget } from '../concurrency/memory-budget.ts';
import type { WaitTimes } from '../concurrency/wait-times.ts';
import type { ClusterAddresses } from '../mongodb/connect.ts';
import type { Fence } from '../mongodb/fence.ts';
import type { Retrier } from '../mongodb/retry.ts';
import type { SourceFeatures } from '../mongodb/server-features.ts';
import type { ClusterIds } from '../records/confirm-clusters.ts';
import type { Counters } from '../records/counters.ts';
import type { RetryingCheckpointStore } from '../records/retrying-checkpoint-store.ts';
import type { DocumentFilters } from '../scope/document-filters.ts';
import type { NamespaceMap } from '../scope/namespace-map.ts';
import type { Selection } from '../scope/selection.ts';

/** All parts of one run. Only this room sees them together: every other function takes the few that it uses. */
export interface RunParts {
  readonly source: MongoClient;
  readonly sourceFeatures: SourceFeatures;
  /** For reads; writes go through the fence. */
  readonly destination: MongoClient;
  readonly fence: Fence;
  readonly checkpoint: RetryingCheckpointStore;
  readonly retrier: Retrier;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborts when the run ends, for any reason. */
  readonly signal: AbortSignal;
  /** Closed while paused. */
  readonly gate: Gate;
  readonly counters: Counters;
  /** Changes of migrated documents. Those of a filtered collection are noted when they are applied. */
  readonly seen: SeenChanges;
  readonly memory: MemoryBudget;
  readonly waitTimes: WaitTimes;
  /** By source UUID in hexadecimal. */
  readonly tracked: TrackedCollections;
  /** Announces progress of the stream, and everything that `stateChanges` announces. */
  readonly changes: Changes;
  /** Announces changes of collections' states and of the order, which are rarer than progress. */
  readonly stateChanges: Changes;
  readonly views: MadeViews;
  readonly drops: UnconfirmedDrops;
  /** The `replicaSetId` of each cluster with which the migration began. */
  readonly identity: ClusterIds;
  readonly position: StreamPosition;
  readonly selection: Selection;
  readonly accounts: UsersAndRoles;
  /** Whether users and roles are migrated. */
  readonly movesAccounts: boolean;
  readonly namespaces: NamespaceMap;
  readonly documentFilters: DocumentFilters;
  /** Whether the destination keeps other data, which the migration must neither change nor block. */
  readonly keepsDestination: boolean;
  /** For the watchdog, a process that outlives this one. */
  readonly addresses: ClusterAddresses;
  /** Target size of a range of the copy, in bytes. */
  readonly partitionBytes: number;
  readonly load: CurrentLoad;
  /** Whether the cutover fixes a position for the opposite direction. */
  readonly isReversible: boolean;
  /** Whether the destination was a source before, and so has its unique indexes. */
  readonly isReversed: boolean;
  /** Why the source can't be used, in a run that doesn't need it; undefined in all others. */
  readonly lacksSource: string | undefined;
}
