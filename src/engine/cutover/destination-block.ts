import { NotNow } from '../mongodb/failure-policy.ts';
import {
  canWriteThroughBlock,
  LEAST_BLOCK_LIMIT_MS,
  MOST_BLOCK_LIMIT_MS,
  tryToBlockWrites,
  unblockWrites,
} from '../mongodb/write-block.ts';
import type { Clusters, Pace, Telling } from '../records/context.ts';

/**
 * Whether the migration blocks its destination. A destination that keeps its data is in use, and a block there isn't
 * the migration's.
 */
export async function blocksDestination({ destination, keepsDestination, retrier }: Clusters & Pace): Promise<boolean> {
  return !keepsDestination && (await retrier.run('the destination', () => canWriteThroughBlock(destination)));
}

/**
 * Blocks users' writes on the destination. They would mix with copied data, and an application that finds the source
 * blocked would switch too early.
 */
export async function closeDestination(context: Clusters & Pace & Telling): Promise<void> {
  const { destination, fence, retrier } = context;
  if (!(await blocksDestination(context))) {
    context.logger.warn({ event: 'destination.unprotected' }, 'The destination is not protected from writes by others');
    return;
  }
  // The time for its majority isn't measured, because no application uses it yet.
  let limitMs = LEAST_BLOCK_LIMIT_MS;
  await retrier.run('a moment in which the destination can be blocked', async () => {
    await fence.confirm();
    if (await tryToBlockWrites(destination, limitMs)) return;
    limitMs = Math.min(2 * limitMs, MOST_BLOCK_LIMIT_MS);
    throw new NotNow('something in progress there keeps it from being blocked, or its majority is slow');
  });
}

/** Lets users write to the destination. */
export async function openDestination({ destination, fence, retrier }: Clusters & Pace): Promise<void> {
  await retrier.run('the destination', async () => {
    await fence.confirm();
    await unblockWrites(destination);
  });
}
