import { failpoint } from '../../platform/index.ts';
import { compareChunk } from '../compare/compare-chunk.ts';
import { ReadAhead } from '../compare/read-ahead.ts';
import type { Throttle } from '../concurrency/throttle.ts';
import type { ComparedPair } from './compared-pair.ts';
import type { ComparisonContext } from './comparison-context.ts';
import { pairSide } from './pair-side.ts';

const CHUNK_DOCUMENTS = 20_000;
const FIRST_DOCUMENTS = 200;

const ROOM_EVERY_MS = 50;

/** Compares all documents of a pair, from its position on. Differing keys become pending. */
export async function comparePair(context: ComparisonContext, pair: ComparedPair, throttle: Throttle): Promise<void> {
  if (pair.state === 'compared' && !pair.isInvalid) return;
  const { signal, pending } = context;
  await using source = new ReadAhead(pairSide(context, pair, 'source'));
  await using destination = new ReadAhead(pairSide(context, pair, 'destination'));
  let limit = FIRST_DOCUMENTS;
  while (true) {
    pair.begin();
    await untilRoom(context);
    const chunk = await compareChunk(source, destination, {
      after: pair.after,
      limit,
      differ: async (pairs) => {
        for (const { key } of pairs) pending.addCandidate(pair, key, pair.chunk);
        await untilRoom(context);
      },
      seen: (documents, side) => pair.saw(documents, side),
    });
    pair.advance(chunk);
    await failpoint('engine.compare.chunk-compared');
    if (chunk.last === undefined) {
      if (!pair.isOrderedAlike) await compareBackwards(context, pair);
      if (pair.finish()) return;
      continue;
    }
    limit = Math.max(1, Math.min(CHUNK_DOCUMENTS, Math.floor((context.chunkBytes * chunk.documents) / chunk.bytes)));
    await throttle.take(chunk.bytes, signal);
    signal.throwIfAborted();
  }
}

/**
 * Looks at every document of the destination. Where the sides sort keys differently, the source's ranges don't cover all
 * keys of the destination.
 */
async function compareBackwards(context: ComparisonContext, pair: ComparedPair): Promise<void> {
  const { pending, signal } = context;
  const readers = [pairSide(context, pair, 'destination'), pairSide(context, pair, 'source')] as const;
  let after: ComparedPair['after'];
  do {
    await untilRoom(context);
    const chunk = await compareChunk(...readers, {
      after,
      limit: FIRST_DOCUMENTS,
      differ: async (pairs) => {
        for (const { key } of pairs) pending.addCandidate(pair, key, pair.chunk);
        await untilRoom(context);
      },
    });
    after = chunk.last;
    signal.throwIfAborted();
  } while (after !== undefined);
}

/** Waits while too many keys are pending. */
async function untilRoom({ pending, clock, signal }: ComparisonContext): Promise<void> {
  while (pending.isFull && !signal.aborted) await clock.sleep(ROOM_EVERY_MS, signal);
  signal.throwIfAborted();
}
