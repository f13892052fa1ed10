import { writeBarrier } from '../mongodb/cluster-time.ts';
import type { Clusters, Pace, Records } from '../records/context.ts';
import { ChangeStream, type ResumeToken } from './change-stream.ts';

/**
 * Returns a token with two properties: the stream will show every later change, and every read from now on sees every
 * earlier change. The token comes first and the barrier second. A stream may be opened on a former primary, and its
 * position counts only if the majority has something later (docs/adr/0004-barriers.md).
 * @throws UserError HISTORY_LOST when the oplog discarded the position meanwhile
 */
export async function fixPosition(context: Clusters & Records & Pace): Promise<ResumeToken> {
  await using stream = ChangeStream.ofSource(context, undefined);
  const { token } = await stream.next(0);
  // rule: barrier-after-start
  await context.retrier.run('the source', () => writeBarrier(context.source));
  return token;
}
