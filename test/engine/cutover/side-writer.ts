import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { type Collection, MongoClient } from 'mongodb';
import type { ReplicaSet } from '../../support/replica-set.ts';

const BETWEEN_WRITES_MS = 5;
/** Time between two writes for tests that wait for long, and only ask whether a side is open. */
export const SELDOM_MS = 200;

/** The order in which all writers of the process send and hear. */
let moment = 0;

/** An application that keeps inserting documents, whatever a server answers, and remembers which were acknowledged. */
export class SideWriter implements AsyncDisposable {
  readonly #client: MongoClient;
  readonly #side: string;
  readonly #items: Collection<{ _id: string }>;
  readonly #betweenWritesMs: number;
  readonly #acknowledged: { readonly _id: string; readonly sentAt: number; readonly acknowledgedAt: number }[] = [];
  readonly #running: Promise<void>;
  #held: Promise<void> | undefined;
  #current: Promise<boolean> | undefined;
  #stopped = false;

  private constructor(client: MongoClient, side: string, betweenWritesMs: number) {
    this.#client = client;
    this.#side = side;
    this.#items = client.db('shop').collection('items');
    this.#betweenWritesMs = betweenWritesMs;
    this.#running = this.#run();
  }

  /** Starts as a user who can't write through a block. @param side  begins the `_id` of its documents */
  static async start(set: ReplicaSet, side: string, betweenWritesMs = BETWEEN_WRITES_MS): Promise<SideWriter> {
    await set.createUser('app', 'secret', ['readWriteAnyDatabase']);
    return new SideWriter(new MongoClient(set.uriFor('app', 'secret')), side, betweenWritesMs);
  }

  /** The connection of the application's user. */
  get application(): MongoClient {
    return this.#client;
  }

  get acknowledged(): number {
    return this.#acknowledged.length;
  }

  /** Whether a write is acknowledged now. */
  async canWrite(): Promise<boolean> {
    const before = this.acknowledged;
    return await this.#insert(`${this.#side} asked at ${before}.${moment}`);
  }

  /** Asserts that `other` has what was written here before it took over, and that nothing was acknowledged here since. */
  async assertTakenOverBy(other: SideWriter): Promise<void> {
    const found = await other.#items.find({}, { projection: { _id: 1 } }).toArray();
    const there = new Set(found.map(({ _id }) => _id));
    const lost = this.#acknowledged.filter(({ _id }) => !there.has(_id)).map(({ _id }) => _id);
    assert.deepEqual(lost, [], 'acknowledged writes are missing');
    const opened = Math.min(...other.#acknowledged.map(({ acknowledgedAt }) => acknowledgedAt));
    const late = this.#acknowledged.filter(({ sentAt }) => sentAt > opened).map(({ _id }) => _id);
    assert.deepEqual(late, [], 'two sides are writable');
  }

  /**
   * Asserts that the sides took turns, and that the last one has everything that was acknowledged on either. A write
   * that was sent before the other side's turn may be acknowledged during it: the answer may have been late.
   * @param turns  how often the users have moved from one side to the other
   */
  static async assertTurns(sides: readonly SideWriter[], turns: number): Promise<void> {
    const all = sides.flatMap((writer) => writer.#acknowledged.map((write) => ({ ...write, writer })));
    all.sort((a, b) => a.acknowledgedAt - b.acknowledgedAt);
    const first: typeof all = [];
    for (const write of all) {
      const current = first.at(-1);
      const isLate = current !== undefined && first.length > 1 && write.sentAt < current.acknowledgedAt;
      if (write.writer !== current?.writer && !isLate) first.push(write);
    }
    assert.equal(first.length - 1, turns, `the sides took turns at ${first.map(({ _id }) => _id).join(', ')}`);
    const last = all.at(-1)?.writer;
    assert.ok(last, 'nothing was written');
    const found = await last.#items.find({}, { projection: { _id: 1 } }).toArray();
    const there = new Set(found.map(({ _id }) => _id));
    const lost = all.filter(({ _id }) => !there.has(_id)).map(({ _id }) => _id);
    assert.deepEqual(lost, [], 'acknowledged writes are missing');
  }

  async #run(): Promise<void> {
    for (let n = 0; !this.#stopped; n += 1) {
      if (this.#held !== undefined) await this.#held;
      this.#current = this.#insert(`${this.#side} ${n}`);
      await this.#current;
      await delay(this.#betweenWritesMs);
    }
  }

  /** Waits for the current write, and sends no further one until the result is disposed of. */
  async hold(): Promise<Disposable> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held = promise;
    await this.#current;
    return {
      [Symbol.dispose]: () => {
        this.#held = undefined;
        resolve();
      },
    };
  }

  async #insert(_id: string): Promise<boolean> {
    const sentAt = moment++;
    try {
      await this.#items.insertOne({ _id }, { writeConcern: { w: 'majority' } });
      this.#acknowledged.push({ _id, sentAt, acknowledgedAt: moment++ });
      return true;
    } catch {
      return false;
    }
  }

  /** Ends the writes. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#client.close();
  }
}
