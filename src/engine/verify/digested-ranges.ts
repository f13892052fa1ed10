import { delayAfter, messageOf, redact } from '../../platform/index.ts';
import { detachedKey, keyBytes, keyOf } from '../bson/document-key.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import type { ComparedChunk } from '../compare/compare-chunk.ts';
import type { DocumentReader } from '../compare/document-reader.ts';
import type { KeyRange } from '../compare/key-range.ts';
import { digestOf } from '../compare/range-digest.ts';
import { orAbort } from '../concurrency/unless-aborted.ts';
import type { Clusters, Pace, Records, Telling } from '../records/context.ts';
import type { DigestHelper, RangeQuestion } from '../scope/digest-helper.ts';
import { isAlwaysRead } from './is-always-read.ts';

/** Longer than a helper takes for one batch of documents, and short enough for a range to be read instead. */
const ANSWER_WITHIN_MS = 30_000;
/** The control plane takes a question of at most 8 KB. A longer key is rare, and its range is read. */
const LONGEST_KEY_BYTES = 2_000;
const LEAST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 10 * 60_000;

/** The next documents of the source, which the destination has, too. */
type DigestedChunk = Pick<ComparedChunk, 'documents' | 'bytes' | 'last'>;

/**
 * Compares ranges by digests that a helper computes beside the destination (docs/adr/0042-digest-helpers.md).
 * Invariant: a digest can only show that a range is equal. In every other case the caller reads the documents.
 */
export class DigestedRanges {
  readonly #context: Clusters & Records & Pace & Telling;
  readonly #helper: DigestHelper;
  #failures = 0;
  #failedAtMs = Number.NEGATIVE_INFINITY;
  #askAgainAtMs = Number.NEGATIVE_INFINITY;
  /** Why the helper didn't answer last; undefined while it answers. */
  unanswered: string | undefined;

  constructor(context: Clusters & Records & Pace & Telling, helper: DigestHelper) {
    this.#context = context;
    this.#helper = helper;
  }

  get host(): string {
    return this.#helper.host;
  }

  /**
   * Compares the source's next documents with the destination's documents in the same range, as `compareChunk` does.
   * @param hold  takes the memory for one reply of the source, which is free again before the helper is asked
   * @returns undefined when they are not proven equal, so that the caller has to compare the documents
   */
  async compare(
    collection: TrackedCollection,
    source: DocumentReader,
    { after, high, limit }: KeyRange & { readonly limit: number },
    hold: () => Promise<Disposable>,
  ): Promise<DigestedChunk | undefined> {
    // rule: always-read-collections
    if (isAlwaysRead(collection) || this.#context.clock.elapsed() < this.#askAgainAtMs) return undefined;
    const wanted = await digestNext(source, { after, high }, limit, hold);
    // After the source's last document, the read of the destination is empty where both are equal.
    if (wanted === undefined) return undefined;
    const { documents, bytes, digest, last } = wanted;
    const [low, top] = [after && keyBytes(after), keyBytes(last)];
    if (top.length > LONGEST_KEY_BYTES || (low !== undefined && low.length > LONGEST_KEY_BYTES)) return undefined;
    const range = { after: low?.toString('base64'), high: top.toString('base64'), documents };
    const answer = await this.#ask(collection, range);
    // rule: only-equal-digests-skip
    if (answer?.digest !== digest || answer.documents !== documents) return undefined;
    return { documents, bytes, last };
  }

  /** @returns undefined when there is no answer */
  async #ask({ target, isClustered }: TrackedCollection, range: Pick<RangeQuestion, 'after' | 'high' | 'documents'>) {
    const { clock, fence, identity, signal } = this.#context;
    const { afterClusterTime } = fence.afterOwnWrites;
    if (afterClusterTime === undefined) return undefined;
    const { database, name, uuid } = target;
    const question: RangeQuestion = {
      clusterId: identity.destinationId,
      database,
      collection: name,
      uuid: uuid.toHexString(false),
      isClustered,
      ...range,
      // rule: digest-after-own-writes
      readAfter: { t: afterClusterTime.t, i: afterClusterTime.i },
    };
    const askedAtMs = clock.elapsed();
    try {
      // rule: digest-answer-is-bounded
      const ending = AbortSignal.any([signal, clock.timeout(ANSWER_WITHIN_MS)]);
      const answer = await orAbort(this.#helper.ask(question, ending), ending);
      this.#answered();
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      this.#failed(redact(messageOf(error)), askedAtMs);
      return undefined;
    }
  }

  #answered(): void {
    if (this.unanswered !== undefined)
      this.#context.logger.info(
        { event: 'verification.digests_answered', host: this.host },
        'The digest helper answers again',
      );
    this.#failures = 0;
    this.unanswered = undefined;
  }

  /** A helper that answers late, or not at all, is asked less and less: ranges are read meanwhile. */
  #failed(reason: string, askedAtMs: number): void {
    const { clock, logger } = this.#context;
    // Questions of other ranges, asked before that failure, have the same cause.
    if (askedAtMs < this.#failedAtMs) return;
    const nowMs = clock.elapsed();
    this.#failures += 1;
    this.#failedAtMs = nowMs;
    const firstMs = Math.max(LEAST_PAUSE_MS, 2 * (nowMs - askedAtMs));
    this.#askAgainAtMs = nowMs + delayAfter(this.#failures, { firstMs, longestMs: LONGEST_PAUSE_MS });
    if (this.unanswered === undefined)
      logger.warn(
        { event: 'verification.digests_unanswered', host: this.host, reason },
        'The digest helper does not answer; documents are read instead',
      );
    this.unanswered = reason;
  }
}

/** @returns undefined when the range has no documents */
async function digestNext(source: DocumentReader, range: KeyRange, limit: number, hold: () => Promise<Disposable>) {
  using _ = await hold();
  const { documents } = await source.read(range, limit);
  const lastDocument = documents.at(-1);
  if (lastDocument === undefined) return undefined;
  const last = detachedKey(keyOf(lastDocument));
  return { ...digestOf(documents), bytes: documents.bytes.length, last };
}
