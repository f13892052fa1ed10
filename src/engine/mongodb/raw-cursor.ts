import type { ClientSession, Document, Long, MongoClient, Timestamp } from 'mongodb';
import { cursorReply } from '../bson/cursor-reply.ts';
import type { DocumentBatch } from '../bson/document-batch.ts';
import { asRawData } from './raw-data.ts';
import { REPLY_OPTIONS } from './reply-options.ts';
import { historyOf, type SeenHistory } from './seen-history.ts';

/** One reply of a cursor: documents as bytes, which share the reply's memory, and the reply's other fields. */
export interface RawBatch {
  readonly documents: DocumentBatch;
  /** The resume token after this batch; change streams only. */
  readonly postBatchResumeToken?: { readonly _data: string };
  /** Where a scan in natural order resumes; only with `$_requestResumeToken`, and null at the end of the collection. */
  readonly recordId?: Long | null;
  /** The time of the member's latest operation when it answered. A server that has just started may omit it. */
  readonly operationTime: Timestamp | undefined;
  /** The time of the snapshot that was read; only with the read concern `snapshot`, and absent without a collection. */
  readonly atClusterTime?: Timestamp;
}

/**
 * A cursor that sends its own commands, so that documents stay bytes. The driver's cursors decode or index each
 * document, and its change stream refuses raw documents.
 */
export class RawCursor implements AsyncDisposable {
  readonly #client: MongoClient;
  readonly #database: string;
  readonly #session: ClientSession;
  readonly #history: SeenHistory;
  readonly #isMajority: boolean;
  #id: Long | undefined;
  #collection = '';

  private constructor(client: MongoClient, database: string, session: ClientSession, command: Document) {
    this.#client = client;
    this.#database = database;
    this.#session = session;
    this.#history = historyOf(client);
    this.#isMajority = command.readConcern?.level === 'majority';
  }

  /**
   * Sends the command that opens the cursor (`find`, `aggregate`, `listCollections`, `listIndexes`).
   * @returns the cursor and its first batch
   */
  static async open(client: MongoClient, database: string, command: Document): Promise<[RawCursor, RawBatch]> {
    // One explicit session for all commands of a cursor, because the server ties the cursor to it.
    const session = client.startSession({ causalConsistency: false });
    const cursor = new RawCursor(client, database, session, command);
    try {
      return [cursor, await cursor.#send(asRawData(client, command))];
    } catch (error) {
      await session.endSession();
      throw error;
    }
  }

  /** Whether the server has more, or may have more. */
  get open(): boolean {
    return this.#id !== undefined && !this.#id.isZero();
  }

  /**
   * Returns the next batch.
   * @param options  `maxTimeMS` is how long a tailing cursor may wait for news
   */
  async next(options: { readonly batchSize?: number; readonly maxTimeMS?: number } = {}): Promise<RawBatch> {
    return await this.#send({ getMore: this.#id, collection: this.#collection, ...options });
  }

  async #send(command: Document): Promise<RawBatch> {
    const options = { ...REPLY_OPTIONS, session: this.#session };
    const { documents, cursor, reply } = await cursorReply(this.#client, this.#database, command, options);
    const { operationTime } = reply;
    if (this.#isMajority && operationTime !== undefined) this.#history.note(operationTime);
    this.#id = cursor.id;
    this.#collection = String(cursor.ns).slice(String(cursor.ns).indexOf('.') + 1);
    const { postBatchResumeToken, atClusterTime } = cursor;
    const recordId = postBatchResumeToken?.$recordId;
    return { documents, postBatchResumeToken, recordId, operationTime, atClusterTime };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.open) {
      await this.#client
        .db(this.#database)
        .command({ killCursors: this.#collection, cursors: [this.#id] }, { session: this.#session })
        .catch(() => undefined); // An error means that the server has lost the cursor, which also ends it.
    }
    await this.#session.endSession();
  }
}

/** Returns all documents of a cursor command as bytes. For listings, not for data. */
export async function readAll(client: MongoClient, database: string, command: Document): Promise<Buffer[]> {
  const [cursor, first] = await RawCursor.open(client, database, command);
  await using _ = cursor;
  const documents = [...first.documents];
  while (cursor.open) documents.push(...(await cursor.next()).documents);
  return documents;
}
