import type { Context } from './context.ts';
import { commandName, valueIn } from './elements.ts';
import { isNotPrimary, Refusal } from './refusal.ts';
import { sendAtKnownTime } from './snapshot-time.ts';
import { Unreachable } from './upstream.ts';
import type { Sequences } from './wire.ts';

/** How often a router sends a read to a shard that it can't reach. As in the server. */
const ATTEMPTS = 3;

/**
 * Sends a `cluster*` command, which a shard carries out as a router: the shard of this router, or another one while that has no primary.
 * @throws Error for a command that would abort the shard's process
 */
export async function byShardsRouter(
  elements: readonly Buffer[],
  context: Context,
  sequences?: Sequences,
): Promise<Buffer> {
  const isRead = ['clusterFind', 'clusterAggregate'].includes(commandName(elements));
  for (let attempt = isRead ? 1 : ATTEMPTS; ; attempt++) {
    const shard = await routingShard(context);
    try {
      const { connections, clock } = context;
      const reply = await sendAtKnownTime(elements, clock, (timed) => connections.send(shard, timed, sequences));
      if (attempt < ATTEMPTS && isNotPrimary(valueIn(reply, 'code')?.readInt32LE())) continue;
      return context.cursors.note(reply, { shard, getMore: 'clusterGetMore' });
    } catch (error) {
      if (attempt === ATTEMPTS || !(error instanceof Unreachable)) throw error;
    }
  }
}

async function routingShard({ catalog, via }: Context): Promise<string> {
  const shards = await catalog.shards();
  const inOrder = shards.map((_, n) => shards[(via + n) % shards.length] ?? '');
  const primaries = await Promise.all(inOrder.map((shard) => catalog.currentPrimary(shard)));
  const shard = inOrder.find((_, n) => primaries[n] !== undefined) ?? inOrder[0];
  if (shard === undefined) throw new Refusal(70, 'ShardNotFound', 'the cluster has no shards');
  return shard;
}
