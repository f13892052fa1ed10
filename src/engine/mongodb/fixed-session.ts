import {
  Binary,
  type ClientSession,
  type Document,
  Long,
  type MongoClient,
  MongoServerError,
  type Timestamp,
} from 'mongodb';
import { REPLY_OPTIONS } from './reply-options.ts';

// rule: transactions-by-majority
const MAJORITY = { w: 'majority', j: true };

/**
 * A logical session with a chosen id and chosen command numbers. The server accepts each number once and refuses lower
 * ones (225), whichever process or connection they come from. Only one command at a time may use it.
 *
 * The driver offers no way to choose a session's id, so this file uses the driver's internals. It is the only file that
 * does, and `test/engine/mongodb/fixed-session.test.ts` is its contract test.
 */
export class FixedSession {
  readonly #client: MongoClient;
  readonly #session: ClientSession;
  readonly #serverSession: { id: Document; isDirty: boolean; txnNumber: number };
  readonly id: Binary;
  #number: bigint;
  #kept = 0n;
  #operationTime: Timestamp | undefined;

  /**
   * @param id  16 bytes
   * @param after  the first command gets the next number
   */
  constructor(client: MongoClient, id: Buffer, after: bigint) {
    this.#client = client;
    this.#session = client.startSession({ causalConsistency: false });
    this.#serverSession = Reflect.get(this.#session, 'serverSession');
    this.id = new Binary(id, Binary.SUBTYPE_UUID);
    this.#serverSession.id = { id: this.id };
    // A dirty session stays with us: the driver neither reuses it nor ends it on the server, where its number must
    // persist.
    this.#serverSession.isDirty = true;
    this.#number = after;
  }

  /** The server's cluster time of the last command. A server that has just started may omit it. */
  get operationTime(): Timestamp | undefined {
    return this.#operationTime;
  }

  /**
   * The number of the last acknowledged command that changed something. The server keeps it with the data; it keeps no number
   * of a command that changed nothing.
   */
  get kept(): bigint {
    return this.#kept;
  }

  /**
   * Sends a write command under a number of its own. Each statement must concern one document at most, as in any
   * retryable write.
   */
  async send(database: string, command: Document): Promise<Document> {
    // rule: number-each-write
    const reply = await this.#run(database, { ...command, txnNumber: this.#next() });
    if (hasChanged(reply)) this.#kept = this.#number;
    return reply;
  }

  /**
   * Sends write commands as one transaction under a number of its own, acknowledged by the majority.
   * @param beforeCommit  called when all commands are done and before the commit
   * @returns the server's reply to each command
   * @throws MongoServerError also for one statement: then nothing is done, unless the error is the commit's
   */
  async sendTogether(
    database: string,
    commands: readonly Document[],
    beforeCommit: () => Promise<void>,
  ): Promise<readonly Document[]> {
    const inTransaction = { txnNumber: this.#next(), autocommit: false };
    const replies: Document[] = [];
    try {
      for (const [index, command] of commands.entries()) {
        const begin = index === 0 ? { startTransaction: true } : {};
        const reply = await this.#run(database, { ...command, ...inTransaction, ...begin });
        if (reply.writeErrors)
          throw new MongoServerError({ message: reply.writeErrors[0].errmsg, ...reply.writeErrors[0] });
        replies.push(reply);
      }
      await beforeCommit();
      await this.#run('admin', { commitTransaction: 1, ...inTransaction, writeConcern: MAJORITY });
    } catch (error) {
      // rule: abort-refused-transaction
      if (error instanceof MongoServerError) await this.#abort(inTransaction);
      throw error;
    }
    if (replies.some(hasChanged)) this.#kept = this.#number;
    return replies;
  }

  /** Aborts, so that the transaction no longer holds documents, whatever its state is. */
  async #abort(inTransaction: Document): Promise<void> {
    await this.#run('admin', { abortTransaction: 1, ...inTransaction }).catch((error: unknown) => {
      if (!(error instanceof MongoServerError)) throw error;
    });
  }

  #next(): Long {
    // rule: new-number-per-attempt
    this.#number += 1n;
    // The driver numbers the ends of transactions by itself.
    this.#serverSession.txnNumber = Number(this.#number);
    return Long.fromBigInt(this.#number);
  }

  async #run(database: string, command: Document): Promise<Document> {
    // Replies contain keys, which may be any bytes.
    // rule: accept-invalid-utf8
    const options = { ...REPLY_OPTIONS, session: this.#session, enableUtf8Validation: false };
    const reply = await this.#client.db(database).command(command, options);
    this.#operationTime = reply.operationTime;
    return reply;
  }
}

/** Whether an insert, update or delete has changed a document. */
function hasChanged({ n, nModified, upserted }: Document): boolean {
  return nModified === undefined ? n > 0 : nModified > 0 || upserted?.length > 0;
}
