import { MongoServerError } from 'mongodb';
import type { DocumentDifference } from '../../contract/index.ts';
import { failpoint } from '../../platform/index.ts';
import { type DocumentKey, keyOf } from '../bson/document-key.ts';
import { presentOf } from '../compare/collection-side.ts';
import { OrderDigest } from '../compare/digest.ts';
import { NaturalOrder } from '../compare/natural-order.ts';
import { classify } from '../mongodb/failure-policy.ts';
import type { ComparedPair, KnownOrder } from './compared-pair.ts';
import type { ComparisonContext } from './comparison-context.ts';
import { clusterTime, shownId } from './differences.ts';
import { pairSide } from './pair-side.ts';
import { patienceMs } from './patience.ts';

const BATCH_DOCUMENTS = 1_000;
const LOOK_AGAIN_EVERY_MS = 1_000;

/** Documents that only one side has, each of which is looked up on the other. With more of them, a pass is inconclusive. */
const MOST_ALONE = 1_000;

/** CursorNotFound, MaxTimeMSExpired, CursorKilled and Interrupted: a limit of time or an operator may end each read that lasts. */
const CUT_OFF: readonly number[] = [43, 50, 237, 11_601];

/** The result of one look: the first document out of order, and both digests when the sides have the same documents. */
interface OrderLook {
  readonly disorder: DocumentKey | undefined;
  readonly digests: KnownOrder['digests'];
}

/**
 * Compares the natural order of a capped collection's documents that both sides have. The comparison by key handles
 * documents that exist on one side only: a capped collection discards its oldest ones at times of its own. Repeats a pass
 * that is inconclusive, or that finds an inversion younger than the settle time. The order is undecided when a pass is
 * inconclusive long after the end of the first such pass. Its start doesn't count: a pass over a large collection can
 * take hours. A run that follows changes makes one pass a round over an undecided order, so that it reports in time.
 */
export async function compareOrder(context: ComparisonContext, pair: ComparedPair): Promise<void> {
  const { clock, signal, settleMs } = context;
  // rule: retry-order-without-result
  let fruitlessSinceMs: number | undefined;
  let disorderedSince: { readonly wallMs: number; readonly ms: number } | undefined;
  while (true) {
    const { changesSeen } = pair;
    const order = await lookOnce(context, pair);
    await failpoint('engine.compare.order-read');
    if (order === undefined) {
      disorderedSince = undefined;
      fruitlessSinceMs ??= clock.elapsed();
      const isOver = clock.elapsed() - fruitlessSinceMs > patienceMs(settleMs);
      if (isOver || pair.isOrderUndecided) return pair.endOrder('undecided');
    } else {
      const { disorder: key, digests } = order;
      if (key === undefined) return pair.endOrder({ changesSeen, disorder: undefined, digests });
      disorderedSince ??= { wallMs: clock.now(), ms: clock.elapsed() };
      if (clock.elapsed() - disorderedSince.ms >= settleMs) {
        const disorder = differenceOf(context, pair, key, disorderedSince.wallMs);
        return pair.endOrder({ changesSeen, disorder, digests });
      }
    }
    await clock.sleep(LOOK_AGAIN_EVERY_MS, signal);
    signal.throwIfAborted();
  }
}

/**
 * Repeats a look that a transient error ends.
 * @returns undefined when the collection discarded documents faster than they were read, too many were on one side only, or a server
 *   ended the read for its duration
 */
async function lookOnce(context: ComparisonContext, pair: ComparedPair): Promise<OrderLook | undefined> {
  // rule: retry-order-after-failover
  return await context.retrier.run('both clusters', async () => {
    try {
      return await look(context, pair);
    } catch (error) {
      const isCutOff = error instanceof MongoServerError && CUT_OFF.includes(Number(error.code));
      if (!isCutOff && classify(error) !== 'history-lost') throw error;
      return undefined;
    }
  });
}

async function look(context: ComparisonContext, pair: ComparedPair): Promise<OrderLook | undefined> {
  await using left = new KeysInOrder(context, pair, 'source');
  await using right = new KeysInOrder(context, pair, 'destination');
  let alone = 0;
  let [a, b] = [await left.next(), await right.next()];
  while (a !== undefined && b !== undefined) {
    if (a.identity === b.identity) {
      [a, b] = [await left.next(), await right.next()];
      continue;
    }
    const thereIsA = (await presentOf(pairSide(context, pair, 'destination'), [a])).has(a.identity);
    const thereIsB = (await presentOf(pairSide(context, pair, 'source'), [b])).has(b.identity);
    if (thereIsA && thereIsB) return { disorder: a, digests: undefined };
    alone += 1;
    // rule: retry-when-many-alone
    if (alone > MOST_ALONE) return undefined;
    if (!thereIsA) a = await left.next();
    if (!thereIsB) b = await right.next();
  }
  const isWhole = alone === 0 && a === undefined && b === undefined;
  const digests = { source: left.chain.digest, destination: right.chain.digest };
  return { disorder: undefined, digests: isWhole ? digests : undefined };
}

/** The keys of one side in natural order, and the digest of what was read. */
class KeysInOrder implements AsyncDisposable {
  readonly #order: NaturalOrder;
  readonly chain = new OrderDigest();

  constructor(context: ComparisonContext, pair: ComparedPair, side: 'source' | 'destination') {
    this.#order = new NaturalOrder(pairSide(context, pair, side), { batchSize: BATCH_DOCUMENTS });
  }

  async next(): Promise<DocumentKey | undefined> {
    const document = await this.#order.peek();
    if (document === undefined) return undefined;
    this.#order.pass(1);
    this.chain.add(document);
    return keyOf(document);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#order[Symbol.asyncDispose]();
  }
}

function differenceOf(
  { source, destination }: ComparisonContext,
  pair: ComparedPair,
  key: DocumentKey,
  firstSeenMs: number,
): DocumentDifference {
  return {
    namespace: pair.namespace,
    destinationNamespace: pair.destinationNamespace,
    _id: shownId(key),
    class: 'CAPPED_ORDER',
    path: null,
    firstSeenMs,
    sourceTime: clusterTime(source.latest),
    destinationTime: clusterTime(destination.latest),
  };
}
