import { after, before, beforeEach } from 'node:test';
import type { Collection, Db, Document } from 'mongodb';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { emptyPair } from '../../support/seeds.ts';

const SHOP = 'shop';

/** The pair that all tests of a file use. It is empty at the start of each test, but for what the file fills in. */
export class SharedPair<T extends Document> {
  readonly #name: string;
  #started: ReplicaSetPair | undefined;

  /**
   * @param name  the collection of the database `shop` that the tests use
   * @param fill  fills the collection on each side, or makes others beside it
   */
  constructor(name: string, fill: (items: Collection<T>, shop: Db) => Promise<unknown> = async () => undefined) {
    this.#name = name;
    before(async () => {
      this.#started = await startPair();
    });
    after(() => this.#started?.[Symbol.asyncDispose]());
    beforeEach(async () => {
      await emptyPair(this.#pair);
      await fill(this.here(), this.source.client.db(SHOP));
      await fill(this.there(), this.destination.client.db(SHOP));
    });
  }

  get source(): ReplicaSetPair['source'] {
    return this.#pair.source;
  }

  get destination(): ReplicaSetPair['destination'] {
    return this.#pair.destination;
  }

  /** Returns the collection of the source. */
  readonly here = () => this.source.client.db(SHOP).collection<T>(this.#name);

  /** Returns the collection of the destination. */
  readonly there = () => this.destination.client.db(SHOP).collection<T>(this.#name);

  get #pair(): ReplicaSetPair {
    if (this.#started === undefined) throw new Error('The pair starts before the first test');
    return this.#started;
  }
}
