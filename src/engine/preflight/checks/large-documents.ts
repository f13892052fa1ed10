import type { Document } from 'mongodb';
import { shownBytes } from '../../../contract/index.ts';
import type { CatalogEntry } from '../../catalog/read-catalog.ts';
import { classify } from '../../mongodb/failure-policy.ts';
import { type Found, found, NO_TIME } from '../finding.ts';
import type { Look } from '../look.ts';
import { collectionStatistics } from '../sizes.ts';
import { sweep } from '../within.ts';

const MIB = 1024 * 1024;
/** Sizes above this are near the server's limit of 16 MiB. */
const NEAR_LIMIT_BYTES = 15 * MIB;
/**
 * A sample of more than 4 % sorts the whole collection (docs/reference/pitfalls.md#pitfall-30). Where that is too few,
 * the first documents are read.
 */
const LARGEST_SAMPLE_SHARE = 0.04;
const LARGEST_SAMPLE = 1_000;
/** The most that a server reads to check one collection. */
const SAMPLED_BYTES = 100_000_000;
const MAX_TIME_MS = 3_000;

/** Finds documents near the limit of 16 MiB, in a sample of each collection that is large enough to have any. */
export async function checkLargeDocuments(look: Look): Promise<Found[]> {
  const { source, signal } = look;
  const entries = await look.entries();
  const databases = [...new Set(entries.map(({ database }) => database))];
  const sizes = await sweep(databases, signal, async (database) => {
    const { dataSize } = await source.db(database).command({ dbStats: 1 });
    return { database, bytes: Number(dataSize) };
  });
  const large = new Set(sizes.results.filter(({ bytes }) => bytes >= NEAR_LIMIT_BYTES).map(({ database }) => database));
  const candidates = entries.filter(({ type, database }) => type !== 'view' && large.has(database));
  const { results, left } = await sweep(candidates, signal, (entry) => sample(look, entry));
  return [...results.flat(), ...unseen(left, 'collections'), ...unseen(sizes.left, 'databases')];
}

async function sample({ source }: Look, entry: CatalogEntry): Promise<Found[]> {
  const { dataSize = 0, objects = 0 } = await collectionStatistics(source, entry);
  if (Number(dataSize) < NEAR_LIMIT_BYTES) return [];
  const averageBytes = Number(dataSize) / Math.max(1, Number(objects));
  const size = Math.ceil(Math.min(LARGEST_SAMPLE, SAMPLED_BYTES / averageBytes));
  const first: Document = Number(objects) * LARGEST_SAMPLE_SHARE < size ? { $limit: size } : { $sample: { size } };
  const namespace = `${entry.database}.${entry.name}`;
  const pipeline = [
    first,
    { $project: { _id: 0, size: { $bsonSize: '$$ROOT' } } },
    { $group: { _id: null, seen: { $sum: 1 }, largest: { $max: '$size' } } },
  ];
  try {
    const options = { maxTimeMS: MAX_TIME_MS, allowDiskUse: false };
    const [result] = await source.db(entry.database).collection(entry.name).aggregate(pipeline, options).toArray();
    if (result === undefined || result.largest < NEAR_LIMIT_BYTES) return [];
    const largest = shownBytes(result.largest);
    return [found('DOCUMENTS_NEAR_LIMIT', [namespace, largest, String(result.seen)], namespace)];
  } catch (error) {
    if (classify(error) === 'fatal') throw error;
    return [found('CHECK_INCOMPLETE', [`the size of documents of ${namespace}`, 'it took too long'], namespace)];
  }
}

function unseen(left: number, what: string): Found[] {
  return left === 0 ? [] : [found('CHECK_INCOMPLETE', [`the size of documents of ${left} ${what}`, NO_TIME])];
}
