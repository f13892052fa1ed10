import { type Document, type MongoClient, MongoServerError, type Timestamp } from 'mongodb';
import { failpoint, messageOf } from '../../platform/index.ts';
import { type DocumentKey, keyOf } from '../bson/document-key.ts';
import { rawDocument } from '../bson/raw-document.ts';
import { collectionSize } from '../catalog/read-catalog.ts';
import { DocumentsDigest, OrderDigest } from '../compare/digest.ts';
import { ifEmptyPart, type KeyRange, partsOfRange } from '../compare/key-range.ts';

import type { SideEntry } from '../compare/side-catalog.ts';
import { bulkRead } from '../mongodb/bulk-reads.ts';
import { classify, type FailureClass, NotNow } from '../mongodb/failure-policy.ts';
import { type RawBatch, RawCursor } from '../mongodb/raw-cursor.ts';
import { findRepeatedKey, refuseRepeatedKey } from '../mongodb/repeated-ids.ts';
import type { SourceFeatures } from '../mongodb/server-features.ts';
import { isSharded } from '../mongodb/sharding.ts';
import type { Pace, Telling } from '../records/context.ts';
import type { DigestProgress } from './digest-progress.ts';

/** The context of a digest. */
export interface DigestContext extends Pick<Pace & Telling, 'retrier' | 'clock' | 'logger' | 'signal'> {
  readonly client: MongoClient;
  readonly features: SourceFeatures;
  readonly progress: DigestProgress;
}

/** The part of a collection that a digest reads. */
export interface ReadPart {
  readonly range: KeyRange;
  /** Documents are read as of this time, as long as the server keeps it. */
  readonly clusterTime: Timestamp;
  /** The query that selects documents, as BSON; all by default. */
  readonly filter?: Buffer | undefined;
}

/** The documents of a collection in short, or those of a range. */
export interface CollectionDigest {
  readonly documents: DocumentsDigest;
  /** Set for capped collections only. */
  readonly order?: OrderDigest | undefined;
  readonly atClusterTime: boolean;
  /** False when the collection was dropped or renamed meanwhile, or discarded documents faster than they were read. */
  readonly isWhole: boolean;
}

/** The server no longer keeps the time, or can't read this collection at a time. */
class NoSnapshot extends Error {}
/** The name has no collection, or another one, or the collection discards documents before they are read. */
class Moving extends Error {}

/** SnapshotUnavailable, SnapshotTooOld. */
const NO_SNAPSHOT: readonly unknown[] = [246, 239];
/** `history-lost` is CappedPositionLost here. */
const MOVING: readonly FailureClass[] = ['moved', 'history-lost'];
const BATCH_BYTES = 4 * 1024 * 1024;
const MOST_DOCUMENTS = 20_000;
/** While nothing is known of the size of the documents. */
const SOME_DOCUMENTS = 1_000;

/** Returns the digest of a collection from those of its ranges. */
export function wholeOf(parts: readonly CollectionDigest[]): CollectionDigest {
  const documents = new DocumentsDigest();
  for (const part of parts) documents.combine(part.documents);
  return {
    documents,
    // A capped collection has one range.
    order: parts[0]?.order,
    atClusterTime: parts.every(({ atClusterTime }) => atClusterTime),
    isWhole: parts.every(({ isWhole }) => isWhole),
  };
}

/**
 * Reads a range of a collection once, and holds at most two replies of the server at a time. It reads as of the run's
 * cluster time. When the server no longer keeps that time, it reads the rest as it is now, and the result says so.
 */
export async function digestRange(context: DigestContext, entry: SideEntry, part: ReadPart): Promise<CollectionDigest> {
  const reading = new Reading(context, entry, part);
  while (true) {
    try {
      await reading.readToEnd();
      await failpoint('engine.digest.range-read');
      return reading.result(true);
    } catch (error) {
      context.signal.throwIfAborted();
      if (error instanceof Moving) return reading.result(false);
      if (!(error instanceof NoSnapshot) && classify(error) !== 'transient') throw error;
      const { namespace } = reading;
      context.logger.debug(
        { event: 'comparison.read_resumed', namespace, reason: messageOf(error) },
        'Reading resumes with a new cursor',
      );
      reading.resume(error instanceof NoSnapshot);
    }
  }
}

class Reading {
  readonly namespace: string;
  readonly #context: DigestContext;
  readonly #entry: SideEntry;
  readonly #clusterTime: Timestamp;
  readonly #filter: Buffer | undefined;
  readonly #isCapped: boolean;
  readonly #isClustered: boolean;
  readonly #isSharded: boolean;
  readonly #low: DocumentKey | undefined;
  #documents = new DocumentsDigest();
  #order = new OrderDigest();
  readonly #high: DocumentKey | undefined;
  #after: DocumentKey | undefined;
  #atClusterTime = true;
  #averageBytes: number | undefined;

  constructor(context: DigestContext, entry: SideEntry, { range, clusterTime, filter }: ReadPart) {
    this.#context = context;
    this.#entry = entry;
    this.#clusterTime = clusterTime;
    this.#filter = filter;
    this.#isSharded = isSharded(context.client);
    this.#low = range.after;
    this.#after = range.after;
    this.#high = range.high;
    this.namespace = `${entry.database}.${entry.name}`;
    this.#isCapped = entry.options.has('capped');
    // The buckets of a time series are clustered, too.
    this.#isClustered = entry.options.has('clusteredIndex') || entry.type === 'timeseries';
  }

  /** @throws an error of the server, NoSnapshot, Moving */
  async readToEnd(): Promise<void> {
    const { client, retrier, signal } = this.#context;
    const { database, name } = this.#entry;
    for (const part of this.#partsOfRange()) {
      const opened = await retrier.run('the cluster', async () => {
        this.#averageBytes ??= (await collectionSize(client, database, name)).averageBytes;
        const open = this.#isCapped
          ? RawCursor.open(client, database, this.#find(part))
          : bulkRead(client, (member, bound) => RawCursor.open(member, database, { ...this.#find(part), ...bound }));
        return await translated(open.catch(ifEmptyPart));
      });
      if (opened === undefined) continue;
      await using cursor = opened[0];
      let batch = opened[1];
      // Without this check a collection that was dropped or renamed would pass as an empty one.
      if (this.#atClusterTime && batch.atClusterTime === undefined) throw new Moving();
      while (true) {
        signal.throwIfAborted();
        // The server prepares the next batch while this one is hashed.
        const next = cursor.open ? translated(cursor.next({ batchSize: this.#batchSize() })) : undefined;
        next?.catch(() => undefined); // Handled at the await.
        await this.#refuseRepetitions(batch);
        this.#take(batch);
        if (next === undefined) break;
        batch = await next;
      }
    }
  }

  #partsOfRange(): readonly object[] {
    if (this.#isCapped) return [{ hint: { $natural: 1 } }];
    const filter = this.#filter;
    return partsOfRange(
      { after: this.#after, high: this.#high },
      {
        isClustered: this.#isClustered,
        takesHint: this.#context.features.pinsReads,
        select: (query) => (filter === undefined ? query : { $and: [rawDocument(filter), query] }),
      },
    );
  }

  /**
   * Continues after the last document that was read. The order of a capped collection can't be resumed. In a sharded one another
   * document with the last `_id` may be next, and it is not after it.
   */
  resume(withoutSnapshot: boolean): void {
    if (withoutSnapshot) this.#atClusterTime = false;
    if (!this.#isCapped && !this.#isSharded) return;
    this.#after = this.#low;
    const { count, bytes } = this.#documents.value;
    this.#context.progress.add(-count, -bytes);
    this.#documents = new DocumentsDigest();
    this.#order = new OrderDigest();
  }

  result(isWhole: boolean): CollectionDigest {
    return {
      documents: this.#documents,
      ...(this.#isCapped ? { order: this.#order } : {}),
      // rule: digest-not-at-one-time
      atClusterTime: this.#atClusterTime && isWhole,
      isWhole,
    };
  }

  /**
   * @throws RepeatedId
   * @throws NotNow, which is transient, when a read without a snapshot met a key twice that has one document now: it would count twice
   */
  async #refuseRepetitions({ documents }: RawBatch): Promise<void> {
    if (!this.#isSharded || this.#isCapped) return;
    const key = findRepeatedKey(documents, this.#after);
    if (key === undefined) return;
    await failpoint('engine.digest.repetition-met');
    const clusterTime = this.#clusterTime;
    // The time of the read: one of the two may have been deleted since.
    // rule: digest-time-on-shards
    const time = this.#atClusterTime ? { at: clusterTime } : { from: clusterTime };
    await translated(refuseRepeatedKey(this.#context.client, this.#entry, key, time));
    // rule: reread-moved-range
    throw new NotNow(`a document of ${this.namespace} moves to another shard`);
  }

  #take({ documents }: RawBatch): void {
    for (const document of documents) {
      this.#documents.add(document);
      if (this.#isCapped) this.#order.add(document);
    }
    const last = documents.at(-1);
    // rule: digest-resumes-behind-last
    if (last !== undefined && !this.#isCapped) this.#after = keyOf(last);
    this.#context.progress.add(documents.length, documents.bytes.length);
  }

  #find(part: object): Document {
    const { uuid, name } = this.#entry;
    const clusterTime = this.#clusterTime;
    return {
      find: name,
      ...part,
      batchSize: this.#batchSize(),
      ...(this.#context.features.pinsReads && uuid !== undefined ? { collectionUUID: uuid } : {}),
      readConcern: this.#atClusterTime
        ? { level: 'snapshot', atClusterTime: clusterTime }
        : { level: 'majority', afterClusterTime: clusterTime },
    };
  }

  #batchSize(): number {
    if (!this.#averageBytes) return SOME_DOCUMENTS;
    return Math.max(1, Math.min(MOST_DOCUMENTS, Math.floor(BATCH_BYTES / this.#averageBytes)));
  }
}

/** Awaits a read. The server's codes for a missing snapshot are transient elsewhere; here another read replaces it. */
async function translated<T>(read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof MongoServerError && NO_SNAPSHOT.includes(error.code)) throw new NoSnapshot(error.message);
    if (MOVING.includes(classify(error))) throw new Moving(messageOf(error));
    throw error;
  }
}
