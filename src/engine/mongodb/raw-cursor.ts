import type { ClientSession, Db, Document, Long, MongoClient, Timestamp } from 'mongodb';
import { REPLY_OPTIONS } from './reply-options.ts';
import { historyOf, type SeenHistory } from './seen-history.ts';

/** One reply of a cursor: documents as bytes (views into the reply), and the reply's other fields. */
export interface RawBatch {
  readonly documents: readonly Buffer[];
  /** The resume token after this batch; change streams only. */
  readonly postBatchResumeToken?: { readonly _data: string };
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
  readonly #db: Db;
  readonly #session: ClientSession;
  readonly #history: SeenHistory;
  readonly #isMajority: boolean;
  #id: Long | undefined;
  #collection = '';

  private constructor(client: MongoClient, database: string, session: ClientSession, command: Document) {
    this.#db = client.db(database);
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
      return [cursor, await cursor.#send(command)];
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
    // Only the documents stay bytes. With `raw` for the whole reply, the driver couldn't read the topology from an
    // error, and would throw a TypeError instead of "not primary".
    const reply = await this.#db.command(command, {
      ...REPLY_OPTIONS,
      session: this.#session,
      fieldsAsRaw: { firstBatch: true, nextBatch: true },
      promoteLongs: false,
    });
    const { cursor, operationTime } = reply;
    if (this.#isMajority && operationTime !== undefined) this.#history.note(operationTime);
    this.#id = cursor.id;
    this.#collection = String(cursor.ns).slice(String(cursor.ns).indexOf('.') + 1);
    const documents = (cursor.firstBatch ?? cursor.nextBatch) as Uint8Array[];
    return {
      documents: documents.map((bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
      postBatchResumeToken: cursor.postBatchResumeToken,
      operationTime,
      atClusterTime: cursor.atClusterTime,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.open) {
      await this.#db
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
