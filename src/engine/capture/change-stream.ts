import { type Document, type MongoClient, MongoServerError, type Timestamp } from 'mongodb';
import { messageOf, UserError } from '../../platform/index.ts';
import { timeOfToken } from '../mongodb/cluster-time.ts';
import { BatchInterrupted, classify, untilKnown } from '../mongodb/failure-policy.ts';
import { type RawBatch, RawCursor } from '../mongodb/raw-cursor.ts';
import type { Retrier } from '../mongodb/retry.ts';
import { historyOf } from '../mongodb/seen-history.ts';
import type { SourceFeatures } from '../mongodb/server-features.ts';
import { isSharded } from '../mongodb/sharding.ts';
import { isUnreadableEntry } from '../mongodb/unreadable-entry.ts';
import type { RetryingCheckpointStore } from '../records/retrying-checkpoint-store.ts';
import { type ChangeEvent, readChangeEvent } from './change-event.ts';

/** The parts of a run that the change stream needs. */
export interface ChangeStreamParts {
  readonly source: MongoClient;
  readonly sourceFeatures: SourceFeatures;
  /** The migration, for errors. */
  readonly checkpoint: Pick<RetryingCheckpointStore, 'migrationId'>;
  readonly retrier: Retrier;
}

export interface ResumeToken {
  readonly _data: string;
}

/** One reply of the stream. */
export interface StreamBatch {
  readonly events: readonly ChangeEvent[];
  /** The memory that the reply holds while one of its keys or documents is in use. */
  readonly bytes: number;
  /** The resume token after this batch. It advances even without events. */
  readonly token: ResumeToken;
  /** The stream has shown everything before this time. */
  readonly time: Timestamp;
  /** The time of the source's latest operation when it answered. */
  readonly sourceTime: Timestamp;
  /** Whether a cursor failed before this batch: the source may have another primary by now. */
  readonly afterBreak: boolean;
}

/** Whether the stream can't resume because the source's oplog no longer reaches back to its position, or can't be read past it. */
export function isHistoryLost(error: unknown): error is UserError {
  return error instanceof UserError && error.code === 'HISTORY_LOST';
}

const BATCH_EVENTS = 10_000;

/**
 * A server limits a reply by its events, and ignores the resume token, which is twice as long as the `_id` in it. So
 * the reply may be too large.
 */
const BSON_OBJECT_TOO_LARGE = 10_334;

/** Events omit documents above this size: fetching the current state once is cheaper. */
const LARGEST_DOCUMENT_IN_EVENT_BYTES = 1024 * 1024;

/**
 * The deployment-wide change stream, as raw batches. With one stream for all namespaces, `invalidate` never happens,
 * and the order between collections is kept.
 */
export class ChangeStream implements AsyncDisposable {
  readonly #context: ChangeStreamParts;
  #cursor: RawCursor | undefined;
  #token: ResumeToken | undefined;
  readonly #showsAll: boolean;
  #broke: boolean;
  #batchEvents = BATCH_EVENTS;

  /**
   * @param token  the position to resume from; undefined for now
   * @param broke  whether this stream replaces one that failed
   */
  constructor(context: ChangeStreamParts, token: ResumeToken | undefined, broke = false) {
    this.#context = context;
    this.#broke = broke;
    this.#showsAll = context.sourceFeatures.showsCatalogChanges;
    this.#token = token;
  }

  /**
   * Returns the next batch, through failures of cursor and server.
   * @param waitMs  how long the server may wait for the first event
   * @throws UserError HISTORY_LOST when the oplog no longer reaches back to the token, lacks what was read since then, or has an entry that the
   *   server can't read
   */
  async next(waitMs: number): Promise<StreamBatch> {
    const { retrier, checkpoint } = this.#context;
    try {
      return await retrier.run('the change stream of the source', async () => {
        try {
          return await untilKnown(async () => this.#read(await this.#nextRaw(waitMs)));
        } catch (error) {
          this.#broke = true;
          await this.#close(); // Before a new one opens, or connections and cursors accumulate.
          // rule: smaller-stream-replies
          throw this.#askForLess(error);
        }
      });
    } catch (error) {
      if (classify(error) !== 'history-lost' && !isUnreadableEntry(error)) throw error;
      throw new UserError('HISTORY_LOST', [checkpoint.migrationId, messageOf(error)], { cause: error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }

  /**
   * Requests fewer events in the next reply when this one was too large for the server.
   * @returns the error, transient if fewer events may help
   */
  #askForLess(error: unknown): unknown {
    const isTooLarge = error instanceof MongoServerError && error.code === BSON_OBJECT_TOO_LARGE;
    if (!isTooLarge || this.#batchEvents === 1) return error;
    this.#batchEvents = Math.ceil(this.#batchEvents / 100);
    return new BatchInterrupted(error.message, BSON_OBJECT_TOO_LARGE);
  }

  async #nextRaw(waitMs: number): Promise<RawBatch> {
    if (this.#cursor !== undefined) return await this.#cursor.next({ batchSize: this.#batchEvents, maxTimeMS: waitMs });
    const history = historyOf(this.#context.source);
    const resumes = this.#token !== undefined;
    if (resumes) await history.confirm();
    await history.shards.note();
    const [cursor, first] = await RawCursor.open(this.#context.source, 'admin', {
      aggregate: 1,
      pipeline: pipeline(this.#token, { showsAll: this.#showsAll, showsDocuments: !isSharded(this.#context.source) }),
      cursor: { batchSize: this.#batchEvents },
      readConcern: { level: 'majority' },
    });
    this.#cursor = cursor;
    if (resumes) await history.shards.confirm(first.operationTime);
    return first;
  }

  #read(batch: RawBatch): StreamBatch {
    if (batch.postBatchResumeToken === undefined) throw new Error('The change stream sent no resume token');
    const token = batch.postBatchResumeToken;
    const events = Array.from(batch.documents, (bytes) => readChangeEvent(bytes, this.#showsAll));
    this.#token = token;
    // The time of an entry that the majority has. A server that was just restarted may answer with an earlier one.
    const last = events.at(-1);
    if (last !== undefined) historyOf(this.#context.source).note(last.time);
    this.#batchEvents = Math.min(this.#batchEvents * 2, BATCH_EVENTS);
    const time = timeOfToken(token);
    const bytes = batch.documents.bytes.length;
    const afterBreak = this.#broke;
    this.#broke = false;
    return { events, bytes, token, time, sourceTime: batch.operationTime ?? time, afterBreak };
  }

  async #close(): Promise<void> {
    const cursor = this.#cursor;
    this.#cursor = undefined;
    await cursor?.[Symbol.asyncDispose]();
  }
}

interface Shown {
  readonly showsAll: boolean;
  /** False for a sharded source: two shards may have the key, which only a read shows. */
  readonly showsDocuments: boolean;
}

function pipeline(token: ResumeToken | undefined, { showsAll, showsDocuments }: Shown): Document[] {
  const sentAlong = {
    $and: [
      { $in: ['$operationType', ['insert', 'replace']] },
      { $lte: [{ $bsonSize: { $ifNull: ['$fullDocument', {}] } }, LARGEST_DOCUMENT_IN_EVENT_BYTES] },
    ],
  };
  return [
    {
      $changeStream: {
        allChangesForCluster: true,
        // System events show the buckets of time series, and `system.js`.
        ...(showsAll ? { showExpandedEvents: true, showSystemEvents: true } : {}),
        ...(token === undefined ? {} : { resumeAfter: token }),
      },
    },
    {
      $project: {
        operationType: 1,
        ns: 1,
        to: 1,
        documentKey: 1,
        collectionUUID: 1,
        clusterTime: 1,
        ...(showsDocuments ? { fullDocument: { $cond: [sentAlong, '$fullDocument', '$$REMOVE'] } } : {}),
      },
    },
  ];
}
