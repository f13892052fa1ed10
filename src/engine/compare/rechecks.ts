import type { Clock } from '../../platform/index.ts';
import type { BothRead } from './collection-side.ts';
import { type PendingKey, type PendingKeys, READ_KEYS } from './pending-keys.ts';

/** Each read is a round trip to both sides. Several of one collection run at a time, or a distant side could not keep up with it. */
const READS_AT_A_TIME = 8;

/** Decides when keys are read again, and when a difference counts: no change may explain it. */
export interface Patience<Collection, Entry> {
  /** How long a few keys wait for others, so that a few changes per second don't become many tiny reads. */
  readonly lingerMs: number;
  /** Waits until keys may be looked at. */
  ready(): Promise<void>;
  /** Returns the average size of a collection's documents; undefined while its keys can't be read. */
  averageBytes(collection: Collection): number | undefined;
  /** Returns whether everything is known that a key waits for beside its time. */
  readiness(): (entry: Entry) => boolean;
  /** Reads keys of a collection on both sides as hashes. */
  read(collection: Collection, entries: readonly Entry[]): Promise<BothRead<string>>;
  /** Settles a key that both sides have alike. */
  equal(entry: Entry): Promise<void>;
  /** Takes a key that differs. @returns in how many milliseconds it is read again; undefined when the difference counts */
  differs(entry: Entry, read: BothRead<string>): number | undefined;
  /** Takes differences that count. Has to settle or release each, unless something else brings its key anew. */
  declare(entries: readonly Entry[]): Promise<void>;
  /** Takes an error of a read. @returns how long its keys wait. @throws the error when no move of the collection explains it */
  pauseAfter(error: unknown): number;
  /** Notes that a batch is compared. */
  ended(): void;
  /** Waits until a key may be due, or a read has ended. @throws the error of a read that has failed */
  rest(reads: ReadonlySet<Promise<void>>): Promise<void>;
}

/** Reads keys again that have changed, or that were found to differ, in several batches at a time. */
export class Rechecks<Collection, Entry extends PendingKey<Collection>> {
  readonly #keys: PendingKeys<Collection, Entry>;
  readonly #patience: Patience<Collection, Entry>;
  readonly #clock: Clock;
  readonly #running = new Set<Promise<void>>();

  constructor(keys: PendingKeys<Collection, Entry>, patience: Patience<Collection, Entry>, clock: Clock) {
    this.#keys = keys;
    this.#patience = patience;
    this.#clock = clock;
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const patience = this.#patience;
    while (!signal.aborted) {
      await patience.ready();
      const counts = this.#keys.collections.map((collection) => this.#due(collection).length);
      if (counts.every((keys) => keys === 0)) {
        await patience.rest(this.#running);
        continue;
      }
      const { lingerMs } = patience;
      if (lingerMs > 0 && counts.every((keys) => keys < READ_KEYS)) await this.#clock.sleep(lingerMs, signal);
      for (const collection of this.#keys.collections) {
        // rule: several-rechecks-of-collection
        if (this.#running.size === READS_AT_A_TIME) await Promise.race(this.#running);
        this.#start(this.#due(collection));
      }
    }
    await Promise.all(this.#running);
  }

  #due(collection: Collection): Entry[] {
    const averageBytes = this.#patience.averageBytes(collection);
    if (averageBytes === undefined) return [];
    return this.#keys.due(collection, this.#clock.elapsed(), averageBytes, this.#patience.readiness());
  }

  /** Compares a batch beside others. One that has failed stays, so that the next wait fails. */
  #start(batch: readonly Entry[]): void {
    const [first] = batch;
    if (first === undefined) return;
    for (const entry of batch) entry.heldBy = batch;
    const running = this.#compare(first.collection, batch).catch((error: unknown) => {
      const dueAtMs = this.#clock.elapsed() + this.#patience.pauseAfter(error);
      for (const entry of batch) if (entry.heldBy === batch) entry.release(dueAtMs);
    });
    this.#running.add(running);
    running.then(
      () => {
        this.#running.delete(running);
        this.#patience.ended();
      },
      () => undefined,
    );
  }

  async #compare(collection: Collection, batch: readonly Entry[]): Promise<void> {
    const read = await this.#patience.read(collection, batch);
    const counting: Entry[] = [];
    for (const entry of batch) {
      if (!this.#keys.isCurrent(entry)) continue;
      const { identity } = entry.key;
      if (read.source.found.get(identity) === read.destination.found.get(identity)) {
        await this.#patience.equal(entry);
        continue;
      }
      const againInMs = this.#patience.differs(entry, read);
      if (againInMs === undefined) counting.push(entry);
      else entry.release(this.#clock.elapsed() + againInMs);
    }
    if (counting.length > 0) await this.#patience.declare(counting);
  }
}
