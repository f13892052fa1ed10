import type { MongoClient } from 'mongodb';
import type { Estimate } from '../../contract/index.ts';
import type { CatalogEntry } from '../catalog/read-catalog.ts';
import { RawCursor } from '../mongodb/raw-cursor.ts';
import { collectionStatistics, type Sizes } from './sizes.ts';
import { sweep } from './within.ts';

/**
 * An assumed maximum for writes to a destination; measuring it would need writes. Two processors that ran both clusters
 * reached about as much.
 */
const ASSUMED_BYTES_PER_SECOND = 30_000_000;

/** A longer measurement would tell little more, and would slow the source's users. */
const MEASURE_MS = 1_500;
/** A smaller amount measures the first round trips rather than the source. */
export const LEAST_MEASURED_BYTES = 4_000_000;

/** Any large collection will do. */
const MOST_COMPARED = 500;

/** The estimated duration of the initial sync, without index builds, and the basis of the estimate. */
export interface CopyTime {
  readonly seconds: number;
  readonly bytesPerSecond: number;
  readonly restsOn: NonNullable<Estimate['copy']>['restsOn'];
  /** The measured read rate of the source; undefined when it wasn't measured, or had too little data. */
  readonly readBytesPerSecond?: number;
}

/** @param readBytesPerSecond  from `measureReading` */
export function estimateCopyTime(sizes: Sizes, limit: number | undefined, readBytesPerSecond?: number): CopyTime {
  const bases = [
    ['ASSUMPTION', ASSUMED_BYTES_PER_SECOND],
    ['MEASURED_SOURCE_READ', readBytesPerSecond ?? Number.POSITIVE_INFINITY],
    ['CONFIGURED_LIMIT', limit ?? Number.POSITIVE_INFINITY],
  ] as const;
  const [restsOn, bytesPerSecond] = bases.reduce((slowest, one) => (one[1] < slowest[1] ? one : slowest));
  const measured = readBytesPerSecond === undefined ? {} : { readBytesPerSecond };
  return { seconds: sizes.bytes / bytesPerSecond, bytesPerSecond, restsOn, ...measured };
}

/**
 * Reads the largest collection for a moment, as one of the copy's readers does.
 * @returns bytes per second; undefined when there is too little data
 */
export async function measureReading(
  source: MongoClient,
  entries: readonly CatalogEntry[],
  signal: AbortSignal,
): Promise<number | undefined> {
  const largest = await largestCollection(source, entries, signal);
  if (largest === undefined) return undefined;
  const startedMs = performance.now();
  let bytes = 0;
  const [cursor, first] = await RawCursor.open(source, largest.database, { find: largest.name, hint: { $natural: 1 } });
  await using _ = cursor;
  for (let batch = first; ; batch = await cursor.next()) {
    bytes += batch.documents.bytes.length;
    const elapsedMs = performance.now() - startedMs;
    if (elapsedMs >= MEASURE_MS || !cursor.open || signal.aborted)
      return bytes < LEAST_MEASURED_BYTES ? undefined : bytes / (elapsedMs / 1_000);
  }
}

async function largestCollection(
  source: MongoClient,
  entries: readonly CatalogEntry[],
  signal: AbortSignal,
): Promise<CatalogEntry | undefined> {
  const stored = entries.filter(({ type }) => type !== 'view').slice(0, MOST_COMPARED);
  const { results } = await sweep(stored, signal, async (entry) => ({
    entry,
    bytes: Number((await collectionStatistics(source, entry)).dataSize ?? 0),
  }));
  return results.toSorted((a, b) => b.bytes - a.bytes)[0]?.entry;
}
