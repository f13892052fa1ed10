import type { Timestamp } from 'mongodb';
import { dateOf, type Wait } from '../../contract/index.ts';
import type { Clock } from '../../platform/index.ts';
import { type DocumentKey, keyBytes, keyFromBytes } from '../bson/document-key.ts';
import type { Side } from '../mongodb/side.ts';
import type { ComparedPair } from './compared-pair.ts';

/** The delays before a key is read again, the last one repeatedly. */
const DELAYS_MS = [100, 200, 400, 800, 1_600, 2_000];

/** Above these limits the comparison waits until keys have settled, and its streams as long as any do. A key takes some 500 bytes besides its own. */
const MOST_KEYS = 100_000;
const MOST_BYTES = 64 * 1024 * 1024;
/** Above this share of a limit, a pair is compared anew instead of its keys. */
const CROWDED = 1.5;

/** Times of both sides at which a key was read. */
export interface ReadTimes {
  readonly source: Timestamp | undefined;
  readonly destination: Timestamp | undefined;
}

/** A key that has to be read again on both sides. */
export class PendingKey {
  readonly pair: ComparedPair;
  readonly key: DocumentKey;
  /** The first reply of each side's stream, and the first chunk, that made the key pending. */
  readonly since: { source?: number; destination?: number; chunk?: number } = {};
  /** The first reply of each side's stream that has shown a change since the key was read last. */
  unread: { source?: number; destination?: number } = {};
  readonly changed = { source: false, destination: false };
  /** Grows with each change that a stream shows. */
  version = 0;
  /** Whether the result has to say something of the key. Changes after its times don't concern it. */
  isAwaited = false;
  /** Whether a change since the last read was shown before the times of the result. A read that began before it doesn't prove it. */
  awaitsUnread = false;
  /** When it was found to differ first, by the wall clock. */
  firstSeenMs: number | undefined;
  /** Since when both sides have differed without a change, by the clock that nobody can set. */
  differsSinceMs: number | undefined;
  /** Set when it has differed long enough: it counts once both streams have shown that nothing changed up to then. */
  verdict: { readonly version: number; readonly times: ReadTimes } | undefined;
  /** Whether it waits in a queue, so that nobody reads it. */
  isQueued = false;
  repairs = 0;
  /** The source's document that the last repair has written; without a hash where it deleted the destination's. */
  repairedTo: { readonly hash: string | undefined } | undefined;
  level = 0;
  dueAtMs = 0;

  constructor(pair: ComparedPair, key: DocumentKey) {
    this.pair = pair;
    this.key = key;
  }

  /** Whether a change was shown since the key was read last, so that nobody knows which side of it was read. */
  get isUnread(): boolean {
    return this.unread.source !== undefined || this.unread.destination !== undefined;
  }

  /** Makes the result wait for the key, and for a change that the present read may have missed. */
  makeAwaited(): void {
    this.isAwaited = true;
    this.awaitsUnread = this.isUnread;
  }

  /** Notes that both sides are about to be read: they reply with every change that was shown before. */
  beginRead(): void {
    this.unread = {};
    this.awaitsUnread = false;
  }

  /** Notes an attempt to repair it. @param to  what was written; undefined when it was refused */
  endRepair(to: PendingKey['repairedTo']): void {
    this.repairs += 1;
    this.repairedTo = to ?? this.repairedTo;
    this.differsSinceMs = undefined;
    this.verdict = undefined;
    this.level = 0;
  }

  get bytes(): number {
    return this.key.value.bytes.length + this.key.identity.length;
  }
}

/** The keys that have to be read again, by the time at which that is due. */
export class PendingKeys {
  readonly #clock: Clock;
  /** A queue for each delay: keys become due in the order in which they are queued. */
  readonly #queues: PendingKey[][] = DELAYS_MS.map(() => []);
  readonly #all = new Set<PendingKey>();
  /** The same by identity of the key. */
  readonly #byPair = new Map<ComparedPair, Map<string, PendingKey>>();
  #bytes = 0;
  /** Since when there have been too many, by the wall clock. */
  #fullSinceMs: number | undefined;
  /** When the last key was settled, by the clock that nobody can set. */
  settledAtMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#all.size;
  }

  get isFull(): boolean {
    return this.#isAbove(1);
  }

  /** Returns the pair with the most keys when they are too many to wait for; undefined otherwise. */
  get crowded(): ComparedPair | undefined {
    if (!this.#isAbove(CROWDED)) return undefined;
    const [largest] = [...this.#byPair].sort(([, a], [, b]) => b.size - a.size);
    return largest?.[0];
  }

  /** The wait for keys to settle; undefined while there is room for more. */
  get wait(): Wait | undefined {
    if (this.#fullSinceMs === undefined) return undefined;
    const reason = `${this.size} documents have changed, or differ, and have not been compared since`;
    return { for: 'changed documents', since: dateOf(this.#fullSinceMs), reason };
  }

  /** Returns the keys that are pending. */
  get all(): Iterable<PendingKey> {
    return this.#all;
  }

  /** Returns the first chunk of a pair that found one of the keys to differ; infinity when none did. */
  oldestChunk(pair: ComparedPair): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const { since } of this.#byPair.get(pair)?.values() ?? []) oldest = Math.min(oldest, since.chunk ?? oldest);
    return oldest;
  }

  /** Forgets the keys of a pair that is no longer compared. */
  forget(pair: ComparedPair): void {
    for (const entry of [...(this.#byPair.get(pair)?.values() ?? [])]) this.settle(entry);
    this.#byPair.delete(pair);
  }

  /** Notes that a key changed. @param reply  the number of the stream's reply that shows it */
  addChange(pair: ComparedPair, key: DocumentKey, side: Side, reply: number): PendingKey {
    const entry = this.#entryOf(pair, key);
    entry.since[side] ??= reply;
    entry.unread[side] ??= reply;
    entry.changed[side] = true;
    entry.version += 1;
    entry.differsSinceMs = undefined;
    entry.verdict = undefined;
    entry.level = 0;
    return entry;
  }

  /** Notes that a chunk found a key to differ. */
  addCandidate(pair: ComparedPair, key: DocumentKey, chunk: number): void {
    const entry = this.#entryOf(pair, key);
    entry.since.chunk ??= chunk;
  }

  /** Removes up to `limit` keys that are due from the queues. They stay pending until they are queued again or settled. */
  takeDue(limit: number): PendingKey[] {
    const due: PendingKey[] = [];
    for (const queue of this.#queues) {
      let end = 0;
      while (due.length + end < limit && this.#isDue(queue[end])) end += 1;
      due.push(...queue.splice(0, end));
    }
    for (const entry of due) entry.isQueued = false;
    // A collection that was dropped meanwhile took its keys along.
    return due.filter((entry) => this.#all.has(entry));
  }

  /** Queues a key again, later each time that nothing has changed. One that is queued stays where it is. */
  queue(entry: PendingKey): void {
    if (!this.#all.has(entry) || entry.isQueued) return;
    const level = Math.min(entry.level, DELAYS_MS.length - 1);
    entry.dueAtMs = this.#clock.elapsed() + (DELAYS_MS[level] ?? 0);
    entry.level = level + 1;
    entry.isQueued = true;
    this.#queues[level]?.push(entry);
  }

  /** Takes a key out of its queue, as {@link takeDue} does. @returns undefined when it isn't pending, or is being read */
  claim(pair: ComparedPair, key: DocumentKey): PendingKey | undefined {
    const entry = this.#byPair.get(pair)?.get(key.identity);
    if (!entry?.isQueued) return undefined;
    for (const queue of this.#queues) {
      const at = queue.indexOf(entry);
      if (at >= 0) queue.splice(at, 1);
    }
    entry.isQueued = false;
    return entry;
  }

  /**
   * Settles a key as it was read last. Changes that were shown since make it pending again. The result awaits it again when
   * one of them was shown before the result's times.
   */
  settleAsRead(entry: PendingKey): void {
    if (!this.#all.has(entry)) return;
    this.settle(entry);
    for (const side of ['source', 'destination'] as const) {
      const reply = entry.unread[side];
      // rule: change-while-reading
      if (reply !== undefined) this.addChange(entry.pair, entry.key, side, reply).isAwaited = entry.awaitsUnread;
    }
  }

  settle(entry: PendingKey): void {
    if (!this.#all.delete(entry)) return;
    this.#bytes -= entry.bytes;
    this.#byPair.get(entry.pair)?.delete(entry.key.identity);
    if (!this.isFull) this.#fullSinceMs = undefined;
    this.settledAtMs = this.#clock.elapsed();
  }

  #isDue(entry: PendingKey | undefined): boolean {
    return entry !== undefined && entry.dueAtMs <= this.#clock.elapsed();
  }

  #isAbove(share: number): boolean {
    return this.#all.size > MOST_KEYS * share || this.#bytes > MOST_BYTES * share;
  }

  #entryOf(pair: ComparedPair, key: DocumentKey): PendingKey {
    const ofPair = this.#byPair.get(pair) ?? new Map<string, PendingKey>();
    this.#byPair.set(pair, ofPair);
    const known = ofPair.get(key.identity);
    if (known !== undefined) return known;
    // The key is a view into a server's reply of up to 16 MiB, which must not stay in memory for it.
    const entry = new PendingKey(pair, keyFromBytes(keyBytes(key)));
    ofPair.set(key.identity, entry);
    this.#all.add(entry);
    this.#bytes += entry.bytes;
    if (this.isFull) this.#fullSinceMs ??= this.#clock.now();
    this.queue(entry);
    return entry;
  }
}
