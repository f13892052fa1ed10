import { writeBarrier } from '../mongodb/cluster-time.ts';
import { ChangeStream, type ChangeStreamParts, type ResumeToken } from './change-stream.ts';

/** The parts of a run that are used here. */
type FixPositionParts = ChangeStreamParts;

/**
 * A token such that every change after it will be in the stream, and every read made from now on sees every change before it. The token comes
 * first and the barrier second: a stream may be opened on a former primary, and what that one has shown counts only if the majority has
 * something later [1] (docs/adr/0004-barriers.md).
 * @throws UserError HISTORY_LOST when the oplog went round in this moment
 */
export async function fixPosition(context: FixPositionParts): Promise<ResumeToken> {
  await using stream = new ChangeStream(context, undefined);
  const { token } = await stream.next(0);
  await context.retrier.run('the source', () => writeBarrier(context.source));
  return token;
}
