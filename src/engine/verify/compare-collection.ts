import { Binary } from 'mongodb';
import { failpoint } from '../../platform/index.ts';
import { sidesOf } from '../apply/migrated-sides.ts';
import { keyBytes, keyFromBytes } from '../bson/document-key.ts';
import { bufferOf } from '../bson/stored-bytes.ts';
import type { Dispatched } from '../collections/context.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { type CompareChunkOptions, compareChunk, type DifferingPair } from '../compare/compare-chunk.ts';
import { REPLY_BYTES } from '../concurrency/memory-budget.ts';
import type { Throttle } from '../concurrency/throttle.ts';
import { batchSize } from '../copy/open-read.ts';
import type { Clusters, Pace, Telling } from '../records/context.ts';
import type { VerificationRecords } from '../records/verification-records.ts';
import type { DigestedRanges } from './digested-ranges.ts';
import type { MigrationRechecks } from './rechecks.ts';
import type { VerifiedRange } from './verified-ranges.ts';

const SAVE_POSITION_EVERY_MS = 2_000;
const LOOK_AGAIN_AFTER_MS = 250;
/** Above this number of differing keys, the comparison waits for the rechecks. */
const MOST_DIFFERING = 10_000;

/**
 * Compares a range of a live collection on both sides, from its recorded position on. Keys that differ go to the
 * rechecks, and the position is recorded only when those are settled.
 * @param isValid  false once the collection is copied again or quarantined: then the comparison ends without a result
 */
export async function compareRange(
  context: Clusters & Pace & Telling & Dispatched,
  collection: TrackedCollection,
  range: VerifiedRange,
  uses: {
    readonly rechecks: MigrationRechecks;
    readonly throttle: Throttle;
    readonly records: VerificationRecords;
    /** Asked first; undefined without a digest helper. */
    readonly digests: DigestedRanges | undefined;
    readonly isValid: () => boolean;
  },
): Promise<void> {
  const { changes, clock, gate, memory, signal } = context;
  const { rechecks, throttle, records, digests, isValid } = uses;
  const { source, destination } = sidesOf(context, collection);
  const high = range.high === null ? undefined : keyFromBytes(bufferOf(range.high));
  const start = range.comparedTo ?? range.low;
  let after = start === null ? undefined : keyFromBytes(bufferOf(start));
  const differ = async (pairs: readonly DifferingPair[]) => {
    const keys = pairs.map(({ key }) => key);
    rechecks.suspect(collection, keys);
    const hasRoom = () => rechecks.keys.unbound < MOST_DIFFERING && !rechecks.keys.isFull;
    await changes.until(() => !isValid() || hasRoom(), signal, LOOK_AGAIN_AFTER_MS);
  };
  const hold = (replies: number) => memory.copyReads.take(replies * expectedBytes(collection), signal);
  const compareNext = async (chunk: CompareChunkOptions) => {
    const equal = await digests?.compare(collection, source, chunk, () => hold(1));
    if (equal !== undefined) {
      const { ranges, documents } = range.digested ?? { ranges: 0, documents: 0 };
      range.digested = { ranges: ranges + 1, documents: documents + equal.documents };
      return equal;
    }
    using _ = await hold(2);
    return await compareChunk(source, destination, chunk);
  };
  let savedAtMs = clock.elapsed();
  while (isValid()) {
    await gate.pass(signal);
    const chunk = await compareNext({ after, high, limit: batchSize(collection), differ });
    range.documents += chunk.documents;
    range.bytes += chunk.bytes;
    await failpoint('engine.verify.range-compared');
    if (chunk.last === undefined) break;
    after = chunk.last;
    await throttle.take(chunk.bytes, signal);
    if (clock.elapsed() - savedAtMs < SAVE_POSITION_EVERY_MS) continue;
    savedAtMs = clock.elapsed();
    // rule: position-after-settled-keys
    await untilSettled(context, collection, uses);
    if (!isValid()) return;
    range.comparedTo = new Binary(keyBytes(after));
    const { comparedTo, documents, bytes, digested } = range;
    await records.saveRange(range._id, { comparedTo, documents, bytes, ...(digested && { digested }) });
    await failpoint('engine.verify.range-position-saved');
  }
  await untilSettled(context, collection, uses);
  if (!isValid()) return;
  const { documents, bytes, digested } = range;
  await records.saveRange(range._id, { documents, bytes, ...(digested && { digested }), done: true });
  range.done = true;
  await failpoint('engine.verify.range-done');
}

/** Waits until each key that differed so far is equal, or its mismatch is on record and stays open. */
async function untilSettled(
  { changes, signal }: Pace & Telling,
  collection: TrackedCollection,
  { rechecks, isValid }: { readonly rechecks: MigrationRechecks; readonly isValid: () => boolean },
): Promise<void> {
  await changes.until(() => !isValid() || !rechecks.keys.hasUnbound(collection), signal, LOOK_AGAIN_AFTER_MS);
}

/** One reply. */
function expectedBytes(collection: TrackedCollection): number {
  return Math.min(REPLY_BYTES, batchSize(collection) * (collection.averageBytes || 1) + collection.largestBytes);
}
