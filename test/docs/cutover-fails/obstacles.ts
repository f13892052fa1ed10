import { MongoClient } from 'mongodb';
import { eventually } from '../../support/eventually.ts';
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

/** An administrator who writes to a source without end, also under its write block. */
export class BypassingWriter implements AsyncDisposable {
  readonly #running: Promise<void>;
  #stopped = false;

  private constructor(set: ReplicaSet) {
    this.#running = this.#run(set);
  }

  static start(set: ReplicaSet): BypassingWriter {
    return new BypassingWriter(set);
  }

  async #run({ client }: ReplicaSet): Promise<void> {
    const notes = client.db('shop').collection('notes');
    await eventually(
      async () => {
        await notes.insertOne({});
        return this.#stopped;
      },
      { what: 'the end of the test', deadlineMs: 600_000 },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }
}
