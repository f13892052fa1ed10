import type { MongoClient } from 'mongodb';
import { Fence } from '../../src/engine/mongodb/fence.ts';
import { Retrier } from '../../src/engine/mongodb/retry.ts';
import { CheckpointStore } from '../../src/engine/records/checkpoint-store.ts';
import { type Clock, newId, silentLogger, systemClock } from '../../src/platform/index.ts';

/** Takes a migration. Returns the parts with which an engine writes. */
export async function takeMigration(
  client: MongoClient,
  migrationId: string = newId(),
  clock: Clock = systemClock,
): Promise<{ readonly fence: Fence; readonly checkpoint: CheckpointStore }> {
  const fence = new Fence(client, migrationId, clock);
  const checkpoint = new CheckpointStore(fence);
  const identity = { sourceId: 'source', destinationId: 'destination', selection: '' };
  await checkpoint.take(identity, new Retrier(systemClock, silentLogger, AbortSignal.timeout(30_000)), true);
  return { fence, checkpoint };
}
