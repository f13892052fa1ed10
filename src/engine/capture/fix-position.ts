import { isBefore, writeBarrier } from '../cluster/cluster-time.ts';
import type { EngineContext } from '../lifecycle/context.ts';
import { ChangeStream, type ResumeToken } from './change-stream.ts';

const BARRIER_WAIT_MS = 20;

/**
 * A token such that every change after it will be in the stream, and every read made from now on sees every change before it: the
 * stream has been seen to pass a note that was acknowledged by the majority [1].
 * @throws UserError HISTORY_LOST when the oplog went round in this moment
 */
export async function fixPosition(context: EngineContext): Promise<ResumeToken> {
  await using stream = new ChangeStream(context, undefined);
  await stream.next(BARRIER_WAIT_MS);
  const barrier = await context.retrier.run('the source', () => writeBarrier(context.source));
  while (true) {
    const batch = await stream.next(BARRIER_WAIT_MS);
    if (!isBefore(batch.time, barrier)) return batch.token;
  }
}
