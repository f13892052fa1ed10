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

/** An administrator's program that writes to a source while its users are blocked, without a pause. */
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
    const blocks = client.db('config').collection('user_writes_critical_sections');
    const isBlocked = async () => this.#stopped || (await blocks.findOne()) !== null;
    const notes = client.db('shop').collection('notes', { writeConcern: { w: 1 } });
    const write = async (atATime: number) => {
      while (!this.#stopped) {
        await eventually(isBlocked, { what: 'a write block', pollMs: 5 });
        for (let left = atATime; left > 0 && !this.#stopped; left -= 1) await notes.insertOne({});
      }
    };
    // The last look before a commit is short: one of the writers is always under way in it, since they pause in turns.
    await Promise.all([60, 100, 140].map(write));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }
}
