import { type Document, type MongoClient, MongoServerError, type Timestamp } from 'mongodb';
import { messageOf, UserError } from '../../platform/index.ts';
import { type ChangeEvent, readChangeEvent } from '../capture/change-event.ts';
import { isBefore, justBefore, timeOfToken } from '../mongodb/cluster-time.ts';
import { BatchInterrupted, classify } from '../mongodb/failure-policy.ts';
import { type RawBatch, RawCursor } from '../mongodb/raw-cursor.ts';
import type { Retrier } from '../mongodb/retry.ts';
import { historyOf } from '../mongodb/seen-history.ts';
import type { Side } from '../mongodb/side.ts';
import { isUnreadableEntry } from '../mongodb/unreadable-entry.ts';

/** The parts of a comparison that a stream needs. */
export interface KeyStreamParts {
  readonly side: Side;
  readonly client: MongoClient;
  /** Whether the side's streams show changes of the catalog and of system collections. */
  readonly showsAll: boolean;
  readonly retrier: Retrier;
}

/** One reply of the stream. */
export interface KeyBatch {
  readonly events: readonly ChangeEvent[];
  /** The resume token after this batch. */
  readonly token: string;
  /** The stream has shown every change of this time, and every earlier one. */
  readonly shownTo: Timestamp;
  /** The time of the server's latest operation when it answered. */
  readonly operationTime: Timestamp | undefined;
}

const BATCH_EVENTS = 5_000;
const BSON_OBJECT_TOO_LARGE = 10_334;

/** One side's cluster-wide change stream, without documents: which keys changed, and which collections. */
export class KeyStream implements AsyncDisposable {
  readonly #parts: KeyStreamParts;
  #token: string | undefined;
  #cursor: RawCursor | undefined;
  /** The token of the cursor's first reply. */
  #openingToken: string | undefined;
  /** The server's latest operation at the cursor's last reply. */
  #operationTime: Timestamp | undefined;
  #batchEvents = BATCH_EVENTS;

  /** @param token  the position to resume from; undefined for now */
  constructor(parts: KeyStreamParts, token: string | undefined) {
    this.#parts = parts;
    this.#token = token;
  }

  /**
   * Returns the next batch, through failures of cursor and server.
   * @param waitMs  how long the server may wait for the first event
   * @throws UserError VERIFICATION_HISTORY_LOST when the oplog no longer reaches back to the token, lacks what was read, or has an entry that the
   *   server can't read
   * @throws MongoServerError Unauthorized when the user may not open a stream
   */
  async next(waitMs: number): Promise<KeyBatch> {
    return await this.#retried(async () => {
      try {
        return this.#read(await this.#nextRaw(waitMs));
      } catch (error) {
        await this[Symbol.asyncDispose](); // Before a new one opens, or connections and cursors accumulate.
        throw this.#askForLess(error);
      }
    });
  }

  /**
   * Confirms that the side still has what was read of it, for a side whose stream isn't read.
   * @throws UserError VERIFICATION_HISTORY_LOST
   */
  async confirmHistory(): Promise<void> {
    await this.#retried(() => historyOf(this.#parts.client).confirm());
  }

  async #retried<T>(operation: () => Promise<T>): Promise<T> {
    const { retrier, side } = this.#parts;
    try {
      return await retrier.run(`the change stream of the ${side}`, operation);
    } catch (error) {
      if (classify(error) !== 'history-lost' && !isUnreadableEntry(error)) throw error;
      throw new UserError('VERIFICATION_HISTORY_LOST', [side, messageOf(error)], { cause: error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const cursor = this.#cursor;
    this.#cursor = undefined;
    await cursor?.[Symbol.asyncDispose]();
  }

  async #nextRaw(waitMs: number): Promise<RawBatch> {
    if (this.#cursor !== undefined) return await this.#cursor.next({ batchSize: this.#batchEvents, maxTimeMS: waitMs });
    const history = historyOf(this.#parts.client);
    const resumes = this.#token !== undefined;
    if (resumes) await history.confirm();
    await history.shards.note();
    const [cursor, first] = await RawCursor.open(this.#parts.client, 'admin', {
      aggregate: 1,
      pipeline: pipeline(this.#token, this.#parts.showsAll),
      cursor: { batchSize: this.#batchEvents },
      readConcern: { level: 'majority' },
    });
    this.#cursor = cursor;
    this.#openingToken = first.postBatchResumeToken?._data;
    this.#operationTime = undefined;
    if (resumes) await history.shards.confirm(first.operationTime);
    return first;
  }

  #read(batch: RawBatch): KeyBatch {
    if (batch.postBatchResumeToken === undefined) throw new Error('The change stream sent no resume token');
    const { _data: token } = batch.postBatchResumeToken;
    const events = Array.from(batch.documents, (bytes) => readChangeEvent(bytes, this.#parts.showsAll));
    this.#token = token;
    this.#batchEvents = Math.min(this.#batchEvents * 2, BATCH_EVENTS);
    const time = timeOfToken({ _data: token });
    const isShown = events.length === 0 && this.#hasPassed(token, time);
    this.#operationTime = batch.operationTime;
    // The changes of a transaction have one time, and a reply may end between them.
    const shownTo = isShown ? time : justBefore(time);
    return { events, token, shownTo, operationTime: batch.operationTime };
  }

  /**
   * Whether the stream has passed the operation of the token's time. A new stream's token has the time of the next
   * operation, one tick after the latest, and keeps it when that operation has no event.
   */
  #hasPassed(token: string, time: Timestamp): boolean {
    // rule: pass-first-token
    if (token !== this.#openingToken) return true;
    return this.#operationTime !== undefined && !isBefore(this.#operationTime, time);
  }

  /** Requests fewer events in the next reply when this one was too large for the server. */
  #askForLess(error: unknown): unknown {
    const isTooLarge = error instanceof MongoServerError && error.code === BSON_OBJECT_TOO_LARGE;
    if (!isTooLarge || this.#batchEvents === 1) return error;
    this.#batchEvents = Math.ceil(this.#batchEvents / 100);
    return new BatchInterrupted(error.message, BSON_OBJECT_TOO_LARGE);
  }
}

function pipeline(token: string | undefined, showsAll: boolean): Document[] {
  return [
    {
      $changeStream: {
        allChangesForCluster: true,
        // System events show the buckets of time series, and `system.js`.
        ...(showsAll ? { showExpandedEvents: true, showSystemEvents: true } : {}),
        ...(token === undefined ? {} : { resumeAfter: { _data: token } }),
      },
    },
    { $project: { operationType: 1, ns: 1, to: 1, documentKey: 1, collectionUUID: 1, clusterTime: 1 } },
  ];
}
