import {
  Binary,
  type ClientSession,
  type Document,
  Long,
  type MongoClient,
  MongoServerError,
  type Timestamp,
} from 'mongodb';

const MAJORITY = { w: 'majority', j: true };

/**
 * A logical session with an id of our choice, whose write commands are numbered by us. The server takes each number once and refuses lower ones
 * (225), whichever process or connection they come from. To be used by one command at a time.
 *
 * Commands name no number of their own, and the driver has no way to choose a session's id, so its internals are reached for: this file is the
 * only one that does, and `test/engine/mongodb/fixed-session.test.ts` is its contract test.
 */
export class FixedSession {
  readonly #client: MongoClient;
  readonly #session: ClientSession;
  readonly #serverSession: { id: Document; isDirty: boolean; txnNumber: number };
  #number: bigint;
  #operationTime: Timestamp | undefined;

  /**
   * @param id  16 bytes
   * @param after  the first command gets the next number
   */
  constructor(client: MongoClient, id: Buffer, after: bigint) {
    this.#client = client;
    this.#session = client.startSession({ causalConsistency: false });
    this.#serverSession = Reflect.get(this.#session, 'serverSession');
    this.#serverSession.id = { id: new Binary(id, Binary.SUBTYPE_UUID) };
    // So that the driver neither lends it to others nor ends it on the server, where its number has to last.
    this.#serverSession.isDirty = true;
    this.#number = after;
  }

  /** The cluster time of the last command, as the server told it; a server that has just started may not say. */
  get operationTime(): Timestamp | undefined {
    return this.#operationTime;
  }

  /** Sends a write command under a number of its own. Every statement has to be for one document at most, as for any retryable write. */
  async send(database: string, command: Document): Promise<Document> {
    return await this.#run(database, { ...command, txnNumber: this.#next() });
  }

  /**
   * Sends write commands as one transaction under a number of its own, acknowledged by the majority.
   * @param beforeCommit  called when all are done and none is committed
   * @returns what the server said of each
   * @throws MongoServerError also what it said of a statement: then none of them is done, unless the error is the commit's
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
      if (error instanceof MongoServerError) await this.#abort(inTransaction);
      throw error;
    }
    return replies;
  }

  /** So that it holds no documents any more, whatever became of it. */
  async #abort(inTransaction: Document): Promise<void> {
    await this.#run('admin', { abortTransaction: 1, ...inTransaction }).catch((error: unknown) => {
      if (!(error instanceof MongoServerError)) throw error;
    });
  }

  #next(): Long {
    this.#number += 1n;
    // The driver numbers the ends of transactions itself.
    this.#serverSession.txnNumber = Number(this.#number);
    return Long.fromBigInt(this.#number);
  }

  async #run(database: string, command: Document): Promise<Document> {
    // Replies name keys, which may be any bytes.
    const options = { session: this.#session, enableUtf8Validation: false };
    const reply = await this.#client.db(database).command(command, options);
    this.#operationTime = reply.operationTime;
    return reply;
  }
}
