import { MongoClient } from 'mongodb';
import type { ReplicaSet } from '../../support/replica-set.ts';

/** A transaction that an application keeps open on a source. */
export class OpenTransaction implements AsyncDisposable {
  readonly #client: MongoClient;
  readonly #session;

  private constructor(client: MongoClient) {
    this.#client = client;
    this.#session = client.startSession();
  }

  static async begin(set: ReplicaSet): Promise<OpenTransaction> {
    const transaction = new OpenTransaction(new MongoClient(set.uri, { appName: 'checkout' }));
    const session = transaction.#session;
    session.startTransaction();
    await transaction.#client.db('shop').collection('orders').insertOne({ n: -1 }, { session });
    return transaction;
  }

  async commit(): Promise<void> {
    await this.#session.commitTransaction();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.endSession();
    await this.#client.close();
  }
}

/** An administrator's program that writes to a source without a pause, also under its write block. */
export class BypassingWriter implements AsyncDisposable {
  readonly #running: Promise<unknown>;
  #stopped = false;

  private constructor(set: ReplicaSet) {
    // The last look before a commit is short: one of the writers is always under way in it.
    this.#running = Promise.all(Array.from({ length: 2 }, () => this.#write(set)));
  }

  static start(set: ReplicaSet): BypassingWriter {
    return new BypassingWriter(set);
  }

  async #write({ client }: ReplicaSet): Promise<void> {
    const notes = client.db('shop').collection('notes', { writeConcern: { w: 1 } });
    while (!this.#stopped) await notes.insertOne({});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }
}
