import { MongoClient, Timestamp } from 'mongodb';
import { UsersAndRoles } from '../../src/engine/accounts/users-and-roles.ts';
import type { RunContext } from '../../src/engine/collections/context.ts';
import { MadeViews } from '../../src/engine/collections/made-views.ts';
import { SeenChanges } from '../../src/engine/collections/seen-changes.ts';
import type { TrackedCollection } from '../../src/engine/collections/tracked-collection.ts';
import { UnconfirmedDrops } from '../../src/engine/collections/unconfirmed-drops.ts';
import { Changes } from '../../src/engine/concurrency/changes.ts';
import { Gate } from '../../src/engine/concurrency/gate.ts';
import { loadOf } from '../../src/engine/concurrency/load-level.ts';
import { MemoryBudget } from '../../src/engine/concurrency/memory-budget.ts';
import { WaitTimes } from '../../src/engine/concurrency/wait-times.ts';
import { DEFAULT_PARTITION_BYTES } from '../../src/engine/copy/plan-partitions.ts';
import { Fence } from '../../src/engine/mongodb/fence.ts';
import { Retrier } from '../../src/engine/mongodb/retry.ts';
import { sourceFeatures } from '../../src/engine/mongodb/server-features.ts';
import { noteRouters } from '../../src/engine/mongodb/sharding.ts';
import { CheckpointStore } from '../../src/engine/records/checkpoint-store.ts';
import { newCounters } from '../../src/engine/records/counters.ts';
import { MadeAccounts } from '../../src/engine/records/made-accounts.ts';
import { RetryingCheckpointStore } from '../../src/engine/records/retrying-checkpoint-store.ts';
import { DocumentFilters } from '../../src/engine/scope/document-filters.ts';
import { NamespaceMap } from '../../src/engine/scope/namespace-map.ts';
import { Selection } from '../../src/engine/scope/selection.ts';
import { silentLogger, systemClock } from '../../src/platform/index.ts';

const UNREACHABLE = 'mongodb://127.0.0.1:1';

/** A context of a run as the engine makes it, with clients that never connect: for tests without a server. */
export function unconnectedContext(signal: AbortSignal) {
  const client = new MongoClient(UNREACHABLE);
  const fence = new Fence(client, 'm', systemClock);
  const store = new CheckpointStore(fence);
  const retrier = new Retrier(systemClock, silentLogger, signal);
  return {
    source: client,
    sourceFeatures: sourceFeatures('6.0'),
    lacksSource: undefined,
    destination: client,
    fence,
    keepsDestination: false,
    isReversed: false,
    addresses: { source: { uri: UNREACHABLE }, destination: { uri: UNREACHABLE } },
    checkpoint: new RetryingCheckpointStore(store, retrier),
    identity: { sourceId: 's', destinationId: 'd' },
    clock: systemClock,
    retrier,
    signal,
    gate: new Gate(),
    memory: new MemoryBudget(),
    waitTimes: new WaitTimes(systemClock),
    load: { current: loadOf(1) },
    partitionBytes: DEFAULT_PARTITION_BYTES,
    logger: silentLogger,
    counters: newCounters(),
    changes: new Changes(systemClock),
    stateChanges: new Changes(systemClock),
    selection: new Selection(),
    namespaces: new NamespaceMap(),
    documentFilters: new DocumentFilters(),
    tracked: new Map<string, TrackedCollection>(),
    views: new MadeViews(store),
    drops: new UnconfirmedDrops(false),
    accounts: new UsersAndRoles(client, fence, new MadeAccounts(fence, 's')),
    movesAccounts: false,
    position: { time: new Timestamp(0n), sequence: 0 },
    seen: new SeenChanges(),
    isReversible: false,
  } satisfies RunContext;
}

/** A client that never connects, and is taken for one of a sharded cluster's routers. */
export function unconnectedRouter(): MongoClient {
  const client = new MongoClient(UNREACHABLE);
  noteRouters(client);
  client.emit('serverDescriptionChanged', { newDescription: { type: 'Mongos' } } as never);
  return client;
}
