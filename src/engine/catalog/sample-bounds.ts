import { type Document, type MongoClient, MongoServerError } from 'mongodb';
import { type DocumentKey, keyOf } from '../bson/document-key.ts';
import { readAll } from '../mongodb/raw-cursor.ts';

/** Sampled keys for each range. A few avoid the most uneven ranges. */
const SAMPLES_PER_RANGE = 10;
/** From 5 % on, `$sample` sorts the whole collection (docs/reference/pitfalls.md#pitfall-30). */
const LARGEST_SAMPLE_SHARE = 0.04;
/** The server drew documents again and again that it had drawn before. Its message says to try again. */
const SAMPLE_REPEATED = 28_799;
const MOST_TRIES = 3;

/** A collection, and into how many ranges to cut it. */
interface ToCut {
  readonly database: string;
  readonly name: string;
  readonly documents: number;
  readonly ranges: number;
  /** Further fields of the read: its pin and its read concern. */
  readonly fields: Document;
}

/**
 * Samples the bounds between ranges of `_id` with about as many documents each, in the order of `_id`.
 * @returns at most one fewer than the ranges; none for a collection that is too small, or of which a server can't draw
 * a sample: it stays one range
 */
export async function sampleBounds(
  client: MongoClient,
  { database, name, documents, ranges, fields }: ToCut,
): Promise<DocumentKey[]> {
  const size = Math.min(ranges * SAMPLES_PER_RANGE, Math.floor(documents * LARGEST_SAMPLE_SHARE));
  if (ranges < 2 || size < ranges) return [];
  const pipeline = [{ $sample: { size } }, { $project: { _id: 1 } }, { $sort: { _id: 1 } }];
  const keys = await draw(client, database, { aggregate: name, pipeline, cursor: {}, ...fields });
  const bounds: DocumentKey[] = [];
  for (let n = 1; n < ranges; n += 1) {
    const bound = keys[Math.floor((n * keys.length) / ranges)];
    // A random cursor may return a key twice.
    if (bound !== undefined && bounds.at(-1)?.identity !== bound.identity) bounds.push(bound);
  }
  return bounds;
}

async function draw(client: MongoClient, database: string, command: Document): Promise<DocumentKey[]> {
  for (let times = 1; times <= MOST_TRIES; times += 1) {
    try {
      return (await readAll(client, database, command)).map(keyOf);
    } catch (error) {
      if (!(error instanceof MongoServerError) || error.code !== SAMPLE_REPEATED) throw error;
    }
  }
  return [];
}
