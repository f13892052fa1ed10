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

/**
 * Makes a source take long to acknowledge Linkspan's notes, as one with a slow majority does: a write block lasts for seconds.
 * Shorter than what keeps Linkspan from blocking at all.
 */
export async function slowMajority(set: ReplicaSet): Promise<AsyncDisposable> {
  const slow = {
    failCommands: ['appendOplogNote'],
    blockConnection: true,
    blockTimeMS: 1_400,
    appName: 'linkspan-source',
  };
  await set.failCommand({ mode: 'alwaysOn', data: slow });
  return { [Symbol.asyncDispose]: () => set.clearFailPoints() };
}
