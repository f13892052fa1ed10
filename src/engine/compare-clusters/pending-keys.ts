import type { Timestamp } from 'mongodb';
import { dateOf, type Wait } from '../../contract/index.ts';
import { type Clock, delayAfter } from '../../platform/index.ts';
import type { DocumentKey } from '../bson/document-key.ts';
import { PendingKey, PendingKeys } from '../compare/pending-keys.ts';
import type { Side } from '../mongodb/side.ts';
import type { ComparedPair } from './compared-pair.ts';

/** The delays before a key is read again. */
const BACK_OFF = { firstMs: 100, longestMs: 2_000 };

/** Above this number the comparison waits until keys have settled, and its streams as long as any do. */
const MOST_KEYS = 100_000;

/** Times of both sides at which a key was read. */
export interface ReadTimes {
  readonly source: Timestamp | undefined;
  readonly destination: Timestamp | undefined;
}

/** A key of a pair that has to be read again on both sides. */
export class PairKey extends PendingKey<ComparedPair> {
  /** The first reply of each side's stream, and the first chunk, that made the key pending. */
  readonly since: { source?: number; destination?: number; chunk?: number } = {};
  /** The first reply of each side's stream that has shown a change since the key was read last. */
  unread: { source?: number; destination?: number } = {};
  readonly changed = { source: false, destination: false };
  /** Whether the result has to say something of the key. Changes after its times don't concern it. */
  isAwaited = false;
  /** Whether a change since the last read was shown before the times of the result. A read that began before it doesn't prove it. */
  awaitsUnread = false;
  /** When it was found to differ first, by the wall clock. */
  firstSeenMs: number | undefined;
  /** Since when both sides have differed without a change, by the monotonic clock. */
  differsSinceMs: number | undefined;
  /** Set when it has differed long enough: it counts once both streams have shown that nothing changed up to then. */
  verdict: { readonly times: ReadTimes } | undefined;
  repairs = 0;
  /** The source's document that the last repair has written; without a hash where it deleted the destination's. */
  repairedTo: { readonly hash: string | undefined } | undefined;
  #reads = 0;

  /** Whether a change was shown since the key was read last, so that it is unknown which side of it was read. */
  get isUnread(): boolean {
    return this.unread.source !== undefined || this.unread.destination !== undefined;
  }

  /** Returns in how many milliseconds the key is read again: later each time that nothing has changed. */
  nextReadInMs(): number {
    this.#reads += 1;
    return delayAfter(this.#reads, BACK_OFF);
  }

  /** Makes the next reads come soon. */
  hurry(): void {
    this.#reads = 0;
  }

  /** Makes the result wait for the key, and for a change that the present read may have missed. */
  makeAwaited(): void {
    this.isAwaited = true;
    this.awaitsUnread = this.isUnread;
  }

  /** Notes a change that a stream shows. A verdict doesn't count any more. @param reply  the number of the stream's reply */
  change(side: Side, reply: number): void {
    this.since[side] ??= reply;
    this.unread[side] ??= reply;
    this.changed[side] = true;
    this.#beginAnew();
  }

  /** Notes that both sides are about to be read: they reply with every change that was shown before. */
  beginRead(): void {
    this.unread = {};
    this.awaitsUnread = false;
  }

  /** Notes an attempt to repair it. @param to  the written document; undefined when it was refused */
  endRepair(to: PairKey['repairedTo']): void {
    this.repairs += 1;
    this.repairedTo = to ?? this.repairedTo;
    this.#beginAnew();
  }

  #beginAnew(): void {
    this.differsSinceMs = undefined;
    this.verdict = undefined;
    this.hurry();
  }
}

/** The keys of all pairs that have to be read again. */
export class PairKeys extends PendingKeys<ComparedPair, PairKey> {
  readonly #clock: Clock;
  /** Since when there have been too many, by the wall clock. */
  #fullSinceMs: number | undefined;
  /** When the last key was settled, by the monotonic clock. */
  settledAtMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    super(MOST_KEYS);
    this.#clock = clock;
  }

  /** The wait for keys to settle; undefined while there is room for more. */
  get wait(): Wait | undefined {
    if (this.#fullSinceMs === undefined) return undefined;
    const reason = `${this.size} documents have changed, or differ, and have not been compared since`;
    return { for: 'changed documents', since: dateOf(this.#fullSinceMs), reason };
  }

  /** Returns the first chunk of a pair that found one of the keys to differ; infinity when none did. */
  oldestChunk(pair: ComparedPair): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const { since } of this.of(pair)) oldest = Math.min(oldest, since.chunk ?? oldest);
    return oldest;
  }

  /** Notes that a key changed. @param reply  the number of the stream's reply that shows it */
  addChange(pair: ComparedPair, key: DocumentKey, side: Side, reply: number): PairKey {
    const entry = this.#entryOf(pair, key);
    entry.change(side, reply);
    return entry;
  }

  /** Notes that a chunk found a key to differ. */
  addCandidate(pair: ComparedPair, key: DocumentKey, chunk: number): void {
    this.#entryOf(pair, key).since.chunk ??= chunk;
  }

  /** Lets a key be read again, later each time that nothing has changed. One that no read holds keeps its time. */
  queue(entry: PairKey): void {
    if (entry.heldBy !== undefined) entry.release(this.#clock.elapsed() + entry.nextReadInMs());
  }

  /** Holds a key, as a read does. @returns undefined when it isn't pending, or is held */
  claim(pair: ComparedPair, key: DocumentKey): PairKey | undefined {
    const entry = this.get(pair, key);
    if (entry === undefined || entry.heldBy !== undefined) return undefined;
    entry.heldBy = this;
    return entry;
  }

  /**
   * Settles a key as it was read last. Changes that were shown since make it pending again. The result awaits it again when
   * one of them was shown before the result's times.
   */
  settleAsRead(entry: PairKey): void {
    if (!this.settle(entry)) return;
    for (const side of ['source', 'destination'] as const) {
      const reply = entry.unread[side];
      // rule: change-while-reading
      if (reply !== undefined) this.addChange(entry.collection, entry.key, side, reply).isAwaited = entry.awaitsUnread;
    }
  }

  override settle(entry: PairKey): boolean {
    if (!super.settle(entry)) return false;
    if (!this.isFull) this.#fullSinceMs = undefined;
    this.settledAtMs = this.#clock.elapsed();
    return true;
  }

  #entryOf(pair: ComparedPair, key: DocumentKey): PairKey {
    const known = this.get(pair, key);
    if (known !== undefined) return known;
    const entry = new PairKey(pair, key);
    entry.dueAtMs = this.#clock.elapsed() + entry.nextReadInMs();
    this.put(entry);
    if (this.isFull) this.#fullSinceMs ??= this.#clock.now();
    return entry;
  }
}
