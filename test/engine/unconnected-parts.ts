import { MongoClient, Timestamp } from 'mongodb';
import { SeenChanges } from '../../src/engine/collections/seen-changes.ts';
import { Changes } from '../../src/engine/concurrency/changes.ts';
import { MemoryBudget } from '../../src/engine/concurrency/memory-budget.ts';
import { WaitTimes } from '../../src/engine/concurrency/wait-times.ts';
import { Fence } from '../../src/engine/mongodb/fence.ts';
import { Retrier } from '../../src/engine/mongodb/retry.ts';
import { sourceFeatures } from '../../src/engine/mongodb/server-features.ts';
import { CheckpointStore } from '../../src/engine/records/checkpoint-store.ts';
import { newCounters } from '../../src/engine/records/counters.ts';
import { RetryingCheckpointStore } from '../../src/engine/records/retrying-checkpoint-store.ts';
import { silentLogger, systemClock } from '../../src/platform/index.ts';

/** Parts of a run as the engine makes them, with clients that never connect: for tests without a server. */
export function unconnectedParts(signal: AbortSignal) {
  const client = new MongoClient('mongodb://127.0.0.1:1');
  const fence = new Fence(client, 'm', systemClock);
  const retrier = new Retrier(systemClock, silentLogger, signal);
  return {
    source: client,
    sourceFeatures: sourceFeatures('6.0'),
    destination: client,
    fence,
    checkpoint: new RetryingCheckpointStore(new CheckpointStore(fence), retrier),
    retrier,
    clock: systemClock,
    logger: silentLogger,
    signal,
    counters: newCounters(),
    seen: new SeenChanges(),
    memory: new MemoryBudget(),
    waitTimes: new WaitTimes(systemClock),
    changes: new Changes(systemClock),
    stateChanges: new Changes(systemClock),
    isReversed: false,
    position: { time: new Timestamp(0n), sequence: 0 },
  };
}
