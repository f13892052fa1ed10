import { type Document, type MongoClient, MongoServerError, type Timestamp } from 'mongodb';
import { messageOf, UserError } from '../../platform/index.ts';
import { isBefore, justBefore, timeOfToken } from '../mongodb/cluster-time.ts';
import { BatchInterrupted, classify, untilKnown } from '../mongodb/failure-policy.ts';
import { type RawBatch, RawCursor } from '../mongodb/raw-cursor.ts';
import type { Retrier } from '../mongodb/retry.ts';
import { historyOf } from '../mongodb/seen-history.ts';
import { isSharded } from '../mongodb/sharding.ts';
import type { Side } from '../mongodb/side.ts';
import { isUnreadableEntry } from '../mongodb/unreadable-entry.ts';
import type { Clusters, Pace, Records } from '../records/context.ts';
import { type ChangeEvent, readChangeEvent } from './change-event.ts';

/** A cluster whose stream is read, and for what. */
export interface StreamOptions {
  readonly client: MongoClient;
  readonly side: Side;
  /** Whether the cluster's streams show changes of the catalog and of system collections. */
  readonly showsAll: boolean;
  /** Whether events have the documents of inserts and replaces. */
  readonly showsDocuments: boolean;
  readonly retrier: Retrier;
  /** The most events of a reply. */
  readonly mostEvents: number;
  /** Whether an event that no rule knows is read again, for as long as it takes. Otherwise it ends the stream. */
  readonly waitsForUnknown: boolean;
  /** Returns the error for a stream that can't resume. */
  readonly lost: (reason: string, cause: unknown) => UserError;
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
  /** The stream has shown every change of this time, and every earlier one. */
  readonly shownTo: Timestamp;
  /** The time of the cluster's latest operation when it answered. */
  readonly operationTime: Timestamp | undefined;
  /** Whether a cursor failed before this batch: the source may have another primary by now. */
  readonly afterBreak: boolean;
}

/** Whether the stream can't resume because the source's oplog no longer reaches back to its position, or can't be read past it. */
export function isHistoryLost(error: unknown): error is UserError {
  return error instanceof UserError && error.code === 'HISTORY_LOST';
}

const MOST_EVENTS = 10_000;

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
  readonly #options: StreamOptions;
  #cursor: RawCursor | undefined;
  #token: ResumeToken | undefined;
  /** The token of the cursor's first reply. */
  #openingToken: string | undefined;
  /** The cluster's latest operation at the cursor's last reply. */
  #operationTime: Timestamp | undefined;
  #broke: boolean;
  #batchEvents: number;

  /**
   * @param token  the position to resume from; undefined for now
   * @param broke  whether this stream replaces one that failed
   */
  constructor(options: StreamOptions, token: ResumeToken | undefined, broke = false) {
    this.#options = options;
    this.#broke = broke;
    this.#token = token;
    this.#batchEvents = options.mostEvents;
  }

  /** Returns the stream of a migration's source, which fails with HISTORY_LOST. Parameters as for the constructor. */
  static ofSource(
    {
      source: client,
      sourceFeatures,
      retrier,
      checkpoint,
    }: Pick<Clusters & Pace, 'source' | 'sourceFeatures' | 'retrier'> & {
      readonly checkpoint: Pick<Records['checkpoint'], 'migrationId'>;
    },
    token: ResumeToken | undefined,
    broke = false,
  ): ChangeStream {
    const options: StreamOptions = {
      client,
      side: 'source',
      showsAll: sourceFeatures.showsCatalogChanges,
      // Two shards may have the key, which only a read shows.
      showsDocuments: !isSharded(client),
      retrier,
      mostEvents: MOST_EVENTS,
      waitsForUnknown: true,
      lost: (reason, cause) => new UserError('HISTORY_LOST', [checkpoint.migrationId, reason], { cause }),
    };
    return new ChangeStream(options, token, broke);
  }

  /**
   * Returns the next batch, through failures of cursor and server.
   * @param waitMs  how long the server may wait for the first event
   * @throws the error of `lost` when the oplog no longer reaches back to the token, lacks entries that were read since then, or has an entry
   *   that the server can't read
   * @throws MongoServerError Unauthorized when the user may not open a stream
   */
  async next(waitMs: number): Promise<StreamBatch> {
    const { retrier, side, lost, waitsForUnknown } = this.#options;
    const read = async () => this.#read(await this.#nextRaw(waitMs));
    try {
      return await retrier.run(`the change stream of the ${side}`, async () => {
        try {
          return await (waitsForUnknown ? untilKnown(read) : read());
        } catch (error) {
          this.#broke = true;
          await this.#close(); // Before a new one opens, or connections and cursors accumulate.
          // rule: smaller-stream-replies
          throw this.#askForLess(error);
        }
      });
    } catch (error) {
      if (classify(error) !== 'history-lost' && !isUnreadableEntry(error)) throw error;
      throw lost(messageOf(error), error);
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
    const { client } = this.#options;
    const history = historyOf(client);
    const resumes = this.#token !== undefined;
    if (resumes) await history.confirm();
    await history.shards.note();
    const [cursor, first] = await RawCursor.open(client, 'admin', {
      aggregate: 1,
      pipeline: pipeline(this.#token, this.#options),
      cursor: { batchSize: this.#batchEvents },
      readConcern: { level: 'majority' },
    });
    this.#cursor = cursor;
    this.#openingToken = first.postBatchResumeToken?._data;
    this.#operationTime = undefined;
    if (resumes) await history.shards.confirm(first.operationTime);
    return first;
  }

  #read(batch: RawBatch): StreamBatch {
    if (batch.postBatchResumeToken === undefined) throw new Error('The change stream sent no resume token');
    const token = batch.postBatchResumeToken;
    const events = Array.from(batch.documents, (bytes) => readChangeEvent(bytes, this.#options.showsAll));
    this.#token = token;
    // The time of an entry that the majority has. A server that was just restarted may answer with an earlier one.
    const last = events.at(-1);
    if (last !== undefined) historyOf(this.#options.client).note(last.time);
    this.#batchEvents = Math.min(this.#batchEvents * 2, this.#options.mostEvents);
    const time = timeOfToken(token);
    const bytes = batch.documents.bytes.length;
    const afterBreak = this.#broke;
    this.#broke = false;
    const isShown = events.length === 0 && this.#hasPassed(token, time);
    const { operationTime } = batch;
    this.#operationTime = operationTime;
    // The changes of a transaction have one time, and a reply may end between them.
    const shownTo = isShown ? time : justBefore(time);
    return { events, bytes, token, time, shownTo, operationTime, afterBreak };
  }

  /**
   * Whether the stream has passed the operation of the token's time. A new stream's token has the time of the next
   * operation, one tick after the latest, and keeps it when that operation has no event.
   */
  #hasPassed({ _data: token }: ResumeToken, time: Timestamp): boolean {
    // rule: pass-first-token
    if (token !== this.#openingToken) return true;
    return this.#operationTime !== undefined && !isBefore(this.#operationTime, time);
  }

  async #close(): Promise<void> {
    const cursor = this.#cursor;
    this.#cursor = undefined;
    await cursor?.[Symbol.asyncDispose]();
  }
}

function pipeline(token: ResumeToken | undefined, { showsAll, showsDocuments }: StreamOptions): Document[] {
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
