import type { MongoClient, Timestamp } from 'mongodb';
import type { Clock, Logger } from '../../platform/index.ts';
import type { UsersAndRoles } from '../accounts/users-and-roles.ts';
import type { SeenChanges } from '../apply/seen-changes.ts';
import type { HeldDrops } from '../collections/held-drops.ts';
import type { MadeViews } from '../collections/made-views.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import type { Gate } from '../concurrency/gate.ts';
import type { MemoryBudget } from '../concurrency/memory-budget.ts';
import type { Load } from '../copy/load-level.ts';
import type { ClusterAddress } from '../mongodb/connect.ts';
import type { Fence } from '../mongodb/fence.ts';
import type { Retrier } from '../mongodb/retry.ts';
import type { SourceFeatures } from '../mongodb/server-features.ts';
import type { CheckpointStore } from '../records/checkpoint-store.ts';
import type { Counters } from '../records/counters.ts';
import type { DocumentFilters } from '../scope/document-filters.ts';
import type { NamespaceMap } from '../scope/namespace-map.ts';
import type { Selection } from '../scope/selection.ts';

/** What the parts of one running migration share. */
export interface EngineContext {
  readonly source: MongoClient;
  readonly sourceFeatures: SourceFeatures;
  /** For reads; writes go through the fence. */
  readonly destination: MongoClient;
  readonly fence: Fence;
  readonly checkpoint: CheckpointStore;
  readonly retrier: Retrier;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborts when the run ends, for whatever reason. */
  readonly signal: AbortSignal;
  /** Closed while paused. */
  readonly gate: Gate;
  readonly counters: Counters;
  /** Changes that concern what is migrated: those of a filtered collection are noted when they are applied. */
  readonly seen: SeenChanges;
  readonly memory: MemoryBudget;
  /** By source UUID in hexadecimal. */
  readonly tracked: Map<string, TrackedCollection>;
  readonly views: MadeViews;
  readonly drops: HeldDrops;
  /** `replicaSetId` of the clusters with which the migration began. */
  readonly identity: { readonly sourceId: string; readonly destinationId: string };
  readonly position: StreamPosition;
  readonly selection: Selection;
  readonly accounts: UsersAndRoles;
  /** Whether users and roles come over. */
  readonly movesAccounts: boolean;
  readonly namespaces: NamespaceMap;
  readonly documentFilters: DocumentFilters;
  /** Whether the destination had data of its own, which is nobody's to touch or to block. */
  readonly keepsDestination: boolean;
  /** For a process that outlives this one. */
  readonly addresses: { readonly source: ClusterAddress; readonly destination: ClusterAddress };
  /** Aimed size of a range of the copy. */
  readonly partitionBytes: number;
  /** Set by the operator at any time. */
  load: Load;
}

/** How far the dispatcher has come. Reads at or after it see all that was dispatched. */
export interface StreamPosition {
  /** Cluster time of the last change dispatched, or of the stream's start. */
  time: Timestamp;
}

/** The same for work that ends when `over` aborts: nothing is tried again after it. What is set of the migration later is seen through it. */
export function within(context: EngineContext, over: AbortSignal): EngineContext {
  const own = { retrier: context.retrier.until(over), signal: AbortSignal.any([context.signal, over]) };
  return Object.assign(Object.create(context), own);
}
