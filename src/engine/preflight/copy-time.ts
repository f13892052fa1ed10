import type { MongoClient } from 'mongodb';
import type { CatalogEntry } from '../catalog/read-catalog.ts';
import { RawCursor } from '../mongodb/raw-cursor.ts';
import { collectionStatistics, type Sizes } from './sizes.ts';
import { sweep } from './within.ts';

/**
 * Taken as the most that a destination takes. Nothing is written to find it out; two processors with both clusters on them were seen to reach
 * about as much.
 */
const ASSUMED_BYTES_PER_SECOND = 30_000_000;

/** Reading longer would tell little more, and costs the source's users something. */
const MEASURE_MS = 1_500;
/** Less than this says more of the first round trips than of the source. */
export const LEAST_MEASURED_BYTES = 4_000_000;

/** Any large collection will do. */
const MOST_COMPARED = 500;

/** How long the initial copy may take, without the building of indexes, and what that rests on. */
export interface CopyTime {
  readonly seconds: number;
  readonly bytesPerSecond: number;
  readonly restsOn: 'assumption' | 'measured read of the source' | 'limit of the configuration';
  /** How fast the source was read; undefined where it was not, or had too little to tell. */
  readonly readBytesPerSecond?: number;
}

/** @param readBytesPerSecond  as `measureReading` gives it */
export function estimateCopyTime(sizes: Sizes, limit: number | undefined, readBytesPerSecond?: number): CopyTime {
  const bases = [
    ['assumption', ASSUMED_BYTES_PER_SECOND],
    ['measured read of the source', readBytesPerSecond ?? Number.POSITIVE_INFINITY],
    ['limit of the configuration', limit ?? Number.POSITIVE_INFINITY],
  ] as const;
  const [restsOn, bytesPerSecond] = bases.reduce((slowest, one) => (one[1] < slowest[1] ? one : slowest));
  const measured = readBytesPerSecond === undefined ? {} : { readBytesPerSecond };
  return { seconds: sizes.bytes / bytesPerSecond, bytesPerSecond, restsOn, ...measured };
}

/**
 * Reads the largest collection for a moment, as one of the copy's readers does.
 * @returns bytes a second; undefined where there is too little to tell
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
    for (const document of batch.documents) bytes += document.length;
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
