import { Binary, type ClientSession, type Document, Long, type MongoClient } from 'mongodb';

/**
 * A logical session with an id of our choice, whose write commands are numbered by us. The server takes each number once and refuses lower ones
 * (225), whichever process or connection they come from. To be used by one command at a time.
 *
 * Commands name no number of their own, and the driver has no way to choose a session's id, so its internals are reached for: this file is the
 * only one that does, and `test/engine/fixed-session.test.ts` is its contract test.
 */
export class FixedSession {
  readonly #client: MongoClient;
  readonly #session: ClientSession;
  #number: bigint;

  /**
   * @param id  16 bytes
   * @param after  the first command gets the next number
   */
  constructor(client: MongoClient, id: Buffer, after: bigint) {
    this.#client = client;
    this.#session = client.startSession({ causalConsistency: false });
    const { serverSession } = this.#session as unknown as { serverSession: { id: Document; isDirty: boolean } };
    serverSession.id = { id: new Binary(id, Binary.SUBTYPE_UUID) };
    // So that the driver neither lends it to others nor ends it on the server, where its number has to last.
    serverSession.isDirty = true;
    this.#number = after;
  }

  /** Sends a write command under a number of its own. Every statement has to be for one document at most, as for any retryable write. */
  async send(database: string, command: Document): Promise<Document> {
    this.#number += 1n;
    const numbered = { ...command, txnNumber: Long.fromBigInt(this.#number) };
    return await this.#client.db(database).command(numbered, { session: this.#session });
  }
}
