import type { Document, MongoClient, ServerDescriptionChangedEvent, Timestamp } from 'mongodb';
import { SeenShards } from './seen-shards.ts';
import { isSharded } from './sharding.ts';
import { isUnauthorized } from './unauthorized.ts';

/**
 * The oplog lacks an entry that majority reads have shown before. The cluster was restored from an older backup, or its
 * disks lost acknowledged writes. Data that was read since then may not exist any more, and no stream shows that.
 */
export class HistoryWentBack extends Error {
  constructor(time: Timestamp) {
    const at = new Date(time.getHighBits() * 1_000).toISOString();
    super(`it was restored from a backup of before ${at}, or has lost what it had acknowledged until then`);
  }
}

/** The history that a checkpoint has. */
export interface HistoryRecord {
  /** The time of the latest entry that majority reads have shown. */
  readonly seenTo?: Timestamp;
  /** See {@link SeenShards}; absent for a replica set. */
  readonly shards?: readonly string[];
}

/**
 * The part of a cluster's history that one client has seen. A change stream resumes without an error on a cluster that was restored
 * from an older backup, because the cluster's time has passed the stream's position meanwhile. So before a stream resumes,
 * the oplog must still have the entries that the client has seen. An entry is known by its second and its number in it: a
 * cluster that was restored and writes again within the second of the last entry isn't noticed.
 */
export class SeenHistory {
  readonly #client: MongoClient;
  /** The address of the primary, and the same with its process; undefined while none is known. */
  #address: string | undefined;
  #primary: string | undefined;
  #primaries = 0;
  #latest: Timestamp | undefined;
  /** Times of entries that the current primary must have, because earlier ones have shown them. */
  #expected: readonly Timestamp[] = [];
  #isUnreadable = false;
  /** The shards of a sharded cluster. */
  readonly shards: SeenShards;

  constructor(client: MongoClient) {
    this.#client = client;
    this.shards = new SeenShards(client);
    client.on('serverDescriptionChanged', ({ newDescription }) => this.#hear(newDescription));
  }

  /**
   * Grows when the primary is lost, and when another process becomes the primary: another member, or one that was restarted. A
   * command that is sent while no primary is known waits for the next one.
   */
  get primaries(): number {
    return this.#primaries;
  }

  /** The time of the latest entry that majority reads have shown; undefined before the first. */
  get latest(): Timestamp | undefined {
    return this.#latest;
  }

  /** The fields that a checkpoint has of this, for a later process. */
  get record(): HistoryRecord {
    const shards = this.shards.expected;
    // Until the current primary has shown the entry, a later one may be of another history.
    // rule: unseen-history-on-record
    const seenTo = this.#expected[0] ?? this.#latest;
    return { ...(seenTo && { seenTo }), ...(shards && { shards }) };
  }

  /** Whether the oplog can't be read, by this user or through a router, so that a cluster that went back stays unnoticed. */
  get isUnreadable(): boolean {
    return this.#isUnreadable || isSharded(this.#client);
  }

  /**
   * Notes the `operationTime` of a majority read. It is the time of an entry that the majority has: 3,332 of 3,332 under load
   * on 6.0.5, with one and with three members.
   */
  note(time: Timestamp): void {
    if (this.#latest === undefined || this.#latest.lessThan(time)) this.#latest = time;
  }

  /** Expects an entry that an earlier process has seen. */
  expect(time: Timestamp): void {
    this.#expected = [...this.#expected, time];
    this.note(time);
  }

  /** Expects the history that an earlier process has recorded. */
  expectRecorded({ seenTo, shards }: HistoryRecord): void {
    if (seenTo !== undefined) this.expect(seenTo);
    if (shards !== undefined) this.shards.expect(shards);
  }

  /** Expects nothing that was seen before. To be called when everything is read anew. */
  forget(): void {
    this.shards.forget();
    this.#latest = undefined;
    this.#expected = [];
  }

  /**
   * Confirms that the current primary has all entries that earlier ones have shown.
   * @throws HistoryWentBack
   */
  async confirm(): Promise<void> {
    if (isSharded(this.#client)) return;
    for (const time of this.#expected) {
      if ((await this.#find(time)) === 'missing') throw new HistoryWentBack(time);
      this.#expected = this.#expected.filter((one) => one !== time);
    }
  }

  /**
   * Runs a read until its answer comes from a primary that has all entries that earlier ones have shown.
   * @throws HistoryWentBack
   */
  async whileConfirmed<T>(read: () => Promise<T>): Promise<T> {
    while (true) {
      const { primaries } = this;
      await this.confirm();
      const result = await read();
      if (primaries === this.primaries) return result;
    }
  }

  /** The driver tells this before it sends anything to another primary. */
  #hear({ type, address, topologyVersion }: ServerDescriptionChangedEvent['newDescription']): void {
    const primary = type === 'RSPrimary' ? `${address} ${topologyVersion?.processId}` : undefined;
    const isOther = primary === undefined ? address === this.#address : primary !== this.#primary;
    if (!isOther) return;
    this.#primary = primary;
    this.#address = primary === undefined ? undefined : address;
    this.#primaries += 1;
    // Must come before the first read of the new primary, whose times may be later.
    if (this.#latest !== undefined && this.#latest !== this.#expected.at(-1)) this.expect(this.#latest);
  }

  /** Reads the primary's current state: a newly elected one has more than its snapshot of the majority. */
  async #find(time: Timestamp): Promise<'present' | 'missing' | 'unknown'> {
    try {
      if ((await this.#entry({ filter: { ts: time } })) !== undefined) return 'present';
      const oldest = await this.#entry({ sort: { $natural: 1 } });
      this.#isUnreadable = false;
      // The oplog has discarded the entry. A stream can't resume there, and says so.
      return oldest !== undefined && time.lessThan(oldest) ? 'unknown' : 'missing';
    } catch (error) {
      if (!isUnauthorized(error)) throw error;
      this.#isUnreadable = true;
      return 'unknown';
    }
  }

  async #entry(query: Document): Promise<Timestamp | undefined> {
    const find = { find: 'oplog.rs', ...query, projection: { ts: 1 }, limit: 1, singleBatch: true };
    const { cursor } = await this.#client.db('local').command({ ...find, readConcern: { level: 'local' } });
    return cursor.firstBatch[0]?.ts;
  }
}

const histories = new WeakMap<MongoClient, SeenHistory>();

/** Returns the history that a client has seen. The first call should come before the client connects: earlier events are lost. */
export function historyOf(client: MongoClient): SeenHistory {
  const known = histories.get(client) ?? new SeenHistory(client);
  histories.set(client, known);
  return known;
}
