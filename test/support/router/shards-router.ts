import type { Context } from './context.ts';
import { commandName, valueIn } from './elements.ts';
import { isNotPrimary, Refusal } from './refusal.ts';
import { sendAtKnownTime } from './snapshot-time.ts';
import { Unreachable } from './upstream.ts';
import { isStale } from './versions.ts';
import type { Sequences } from './wire.ts';

/** How often a router sends a read to a shard that it can't reach. As in the server. */
const ATTEMPTS = 3;
/** How often a router sends a command again after it has read the catalog anew. As in the server. */
const FRESH_ATTEMPTS = 10;

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
      const reply = await sendUntilFresh(shard, elements, context, sequences);
      if (attempt < ATTEMPTS && isNotPrimary(valueIn(reply, 'code')?.readInt32LE())) continue;
      return context.cursors.note(reply, { shard, getMore: 'clusterGetMore' });
    } catch (error) {
      if (attempt === ATTEMPTS || !(error instanceof Unreachable)) throw error;
    }
  }
}

/**
 * Sends a command, and again while the shard routes by an old version of the catalog. A `mongos` reads the catalog anew then; a shard's router
 * code does that for some commands only, and needs `flushRouterConfig` for the others.
 */
async function sendUntilFresh(
  shard: string,
  elements: readonly Buffer[],
  { connections, clock }: Context,
  sequences?: Sequences,
): Promise<Buffer> {
  for (let attempt = 1; ; attempt++) {
    const reply = await sendAtKnownTime(elements, clock, (timed) => connections.send(shard, timed, sequences));
    if (attempt === FRESH_ATTEMPTS || !isStale(valueIn(reply, 'code')?.readInt32LE())) return reply;
    await connections.run(shard, 'admin', { flushRouterConfig: 1 });
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
