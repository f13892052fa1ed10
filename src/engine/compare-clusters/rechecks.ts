import { reach } from '../../platform/index.ts';
import type { DocumentKey } from '../bson/document-key.ts';
import { describeDifference, isSameDocument } from '../compare/difference.ts';
import { hashOf, type KeysRead } from '../compare/read-keys.ts';
import { Slots } from '../concurrency/slots.ts';
import type { Side } from '../mongodb/side.ts';
import type { ComparedPair } from './compared-pair.ts';
import { type ComparisonParts, PairMoved } from './comparison-parts.ts';
import { clusterTime, shownId } from './differences.ts';
import { pairSide } from './pair-side.ts';
import type { PendingKey, ReadTimes } from './pending-keys.ts';
import type { Repair, Repairer } from './repairer.ts';

const KEYS_AT_A_TIME = 1_000;
/** Each read is a round trip to both sides. */
const READS_AT_A_TIME = 8;
/** The size of the documents of one read, estimated by the average of their collection. */
const READ_BYTES = 4 * 1024 * 1024;
const LOOK_EVERY_MS = 20;

/** Servers delete expired documents once a minute, and a pass over a large collection takes a while. */
const EXPIRY_SETTLES_MS = 150_000;

/**
 * Reads keys again that have changed, or that a chunk found to differ. A key counts as different when it has differed for
 * a while without a change on either side.
 */
export class Rechecks {
  readonly #parts: ComparisonParts;
  readonly #repairer: Repairer | undefined;
  readonly #slots = new Slots(READS_AT_A_TIME);

  constructor(parts: ComparisonParts, repairer: Repairer | undefined) {
    this.#parts = parts;
    this.#repairer = repairer;
  }

  /** Works until the signal aborts. */
  async run(): Promise<void> {
    await Promise.all(Array.from({ length: READS_AT_A_TIME }, () => this.#work()));
  }

  async #work(): Promise<void> {
    const { pending, clock, signal } = this.#parts;
    while (!signal.aborted) {
      // Changes that come faster than they are compared would fill the memory.
      // rule: crowded-pair-anew
      const { crowded } = pending;
      if (crowded !== undefined) {
        pending.forget(crowded);
        crowded.invalidate();
      }
      const due = pending.takeDue(KEYS_AT_A_TIME);
      const batches = [...Map.groupBy(due, ({ pair }) => pair)].flatMap(([pair, entries]) =>
        cut(pair, entries).map((batch) => this.#slots.run(() => this.#check(pair, batch))),
      );
      await Promise.all(batches);
      if (due.length === 0) await clock.sleep(LOOK_EVERY_MS, signal);
    }
  }

  async #check(pair: ComparedPair, entries: readonly PendingKey[]): Promise<void> {
    try {
      const judged = entries.filter((entry) => entry.verdict?.version === entry.version);
      const different: PendingKey[] = [];
      for (const entry of judged) if (await this.#judge(entry)) different.push(entry);
      await this.#repair(different);
      const others = entries.filter((entry) => !judged.includes(entry));
      if (others.length > 0) await this.#readAgain(pair, others);
    } catch (error) {
      if (!(error instanceof PairMoved)) throw error;
      for (const entry of entries) this.#parts.pending.queue(entry);
    }
  }

  async #readAgain(pair: ComparedPair, entries: readonly PendingKey[]): Promise<void> {
    const { pending, clock } = this.#parts;
    const [source, destination] = await this.#read(pair, entries, hashOf);
    await reach('engine.compare.rechecked');
    for (const entry of entries) {
      const { identity } = entry.key;
      if (source.found.get(identity) === destination.found.get(identity)) {
        this.#settle(entry);
        continue;
      }
      if (!entry.isUnread) {
        entry.firstSeenMs ??= clock.now();
        entry.differsSinceMs ??= clock.elapsed();
        const isMissing = !source.found.has(identity) || !destination.found.has(identity);
        if (clock.elapsed() - entry.differsSinceMs >= this.#settlesAfterMs(pair, isMissing)) {
          const times = { source: source.time, destination: destination.time };
          entry.verdict = { version: entry.version, times };
          entry.level = 0;
        }
      }
      pending.queue(entry);
    }
  }

  /**
   * Counts the key as different, once the streams have shown that it didn't change before it was read.
   * @returns whether it counts and hasn't settled
   */
  async #judge(entry: PendingKey): Promise<boolean> {
    const { source, destination, pending, differences, clock } = this.#parts;
    const { pair, key, verdict } = entry;
    // A change takes the verdict back, also while another key is judged.
    const isShown = (times: ReadTimes) => source.hasShown(times.source) && destination.hasShown(times.destination);
    // rule: change-withdraws-verdict
    if (verdict === undefined || !isShown(verdict.times)) {
      entry.level = 0;
      pending.queue(entry);
      return false;
    }
    await reach('engine.compare.judging');
    const { wanted, there, times } = await this.#readDocuments(entry);
    if (isSameDocument(wanted, there)) {
      this.#settle(entry);
      return false;
    }
    if (entry.verdict !== verdict) {
      pending.queue(entry);
      return false;
    }
    const isForeign = this.#isForeign(entry, wanted);
    differences.add(key, {
      namespace: pair.namespace,
      destinationNamespace: pair.destinationNamespace,
      _id: shownId(key),
      ...describeDifference(wanted, there),
      firstSeenMs: entry.firstSeenMs ?? clock.now(),
      sourceTime: clusterTime(times.source),
      destinationTime: clusterTime(times.destination),
      ...(isForeign ? { foreign: true } : {}),
    });
    // Nobody who asked for repairs has seen what somebody writes on the destination meanwhile.
    // rule: leave-destination-only-changes
    if (!isForeign && this.#repairer?.mayRepair(entry)) return true;
    pending.settle(entry);
    return false;
  }

  /**
   * Whether somebody else wrote the key on the destination only. After a repair, the stream also shows that one; but then
   * the destination would have the source's document.
   */
  #isForeign({ pair, key, changed, repairedTo }: PendingKey, wanted: Buffer | undefined): boolean {
    const { differences, source } = this.#parts;
    // rule: own-repair-or-foreign-write
    if (repairedTo !== undefined) return repairedTo.hash === (wanted && hashOf(wanted));
    // A key that was settled as foreign may be found again.
    const isChanged = changed.destination || differences.isForeign(pair.namespace, key); // rule: foreign-stays-foreign
    return isChanged && !changed.source && source.isWatched;
  }

  /** Repairs keys that are on record: a run that is killed meanwhile still reports them. */
  async #repair(entries: readonly PendingKey[]): Promise<void> {
    if (entries.length === 0) return;
    await this.#repairer?.confirmAllowed();
    await this.#record(entries);
    const left = new Set(entries);
    for (const entry of entries) if (left.delete(entry)) await this.#repairOne(entry, left);
  }

  async #record(entries: readonly PendingKey[]): Promise<void> {
    // rule: record-repair-before-write
    for (const { pair, key } of entries) this.#parts.differences.beginRepair(pair.namespace, key);
    this.#parts.save();
    await reach('engine.compare.repairs-recorded');
  }

  /**
   * Writes the source's document, together with those whose unique values are in its way. A key that has changed since it
   * was found to differ is read again first.
   * @param left  judged keys on record that wait for their repair. Those that are repaired along are taken from it
   */
  async #repairOne(entry: PendingKey, left: Set<PendingKey>): Promise<void> {
    const { pending } = this.#parts;
    await this.#repairer?.confirmAllowed();
    const first = await this.#toRepair(entry);
    if (first === undefined) return;
    const together = [first];
    try {
      let inTheWay: readonly DocumentKey[] = [];
      do {
        const holders = await this.#holders(entry.pair, inTheWay, left, together);
        // Another try follows once those in its way were found to differ, too.
        if (holders < inTheWay.length) return this.#repairer?.giveUp(entry, 'other documents have its unique values');
        // rule: repair-notices-change
        if (together.some((one) => one.entry.verdict !== one.verdict)) return;
        inTheWay = (await this.#repairer?.repair(together)) ?? [];
      } while (inTheWay.length > 0);
      await reach('engine.compare.repaired');
    } finally {
      for (const one of together) pending.queue(one.entry);
    }
  }

  /** Reads a judged key once more. @returns undefined when it is equal now, or was changed, and is settled or queued */
  async #toRepair(entry: PendingKey): Promise<Repair | undefined> {
    const { verdict } = entry;
    if (verdict !== undefined) {
      const { wanted, there } = await this.#readDocuments(entry);
      if (isSameDocument(wanted, there)) {
        this.#settle(entry);
        return undefined;
      }
      return { entry, verdict, wanted, there };
    }
    this.#parts.pending.queue(entry);
    return undefined;
  }

  /**
   * Adds those of the keys that may be repaired now: each was found to differ, and is on record.
   * @returns how many it has added
   */
  async #holders(
    pair: ComparedPair,
    keys: readonly DocumentKey[],
    left: Set<PendingKey>,
    together: Repair[],
  ): Promise<number> {
    const { pending } = this.#parts;
    const before = together.length;
    for (const key of keys) {
      const judged = [...left].find((one) => one.pair === pair && one.key.identity === key.identity);
      if (judged !== undefined) left.delete(judged);
      else pending.addCandidate(pair, key, pair.chunk);
      const entry = judged ?? pending.claim(pair, key);
      if (entry === undefined) continue;
      try {
        if (judged === undefined) {
          if (!(await this.#judge(entry))) continue;
          await this.#record([entry]);
        }
        const holder = await this.#toRepair(entry);
        if (holder !== undefined) together.push(holder);
      } catch (error) {
        pending.queue(entry);
        throw error;
      }
    }
    return together.length - before;
  }

  async #readDocuments(entry: PendingKey) {
    const { identity } = entry.key;
    const [source, destination] = await this.#read(entry.pair, [entry], (document) => Buffer.from(document));
    await reach('engine.compare.documents-read');
    const times = { source: source.time, destination: destination.time };
    return { wanted: source.found.get(identity), there: destination.found.get(identity), times };
  }

  /** Settles a key that both sides have alike. A change that was shown during the read makes it pending again. */
  #settle(entry: PendingKey): void {
    const { pair, key } = entry;
    if (entry.version > 0 && (entry.isAwaited || !entry.isUnread)) pair.rechecked += 1;
    this.#parts.differences.resolve(pair.namespace, key);
    this.#parts.pending.settleAsRead(entry);
  }

  async #read<T>(
    pair: ComparedPair,
    entries: readonly PendingKey[],
    take: (document: Buffer) => T,
  ): Promise<[KeysRead<T>, KeysRead<T>]> {
    const keys = entries.map(({ key }) => key);
    for (const entry of entries) entry.beginRead();
    const of = (side: Side) => pairSide(this.#parts, pair, side).readKeys(keys, take);
    return await Promise.all([of('source'), of('destination')]);
  }

  #settlesAfterMs(pair: ComparedPair, isMissing: boolean): number {
    return isMissing && pair.expires ? Math.max(EXPIRY_SETTLES_MS, this.#parts.settleMs) : this.#parts.settleMs;
  }
}

/** Cuts keys into reads of a limited size. */
function cut({ compared: { bytes, documents } }: ComparedPair, entries: readonly PendingKey[]): PendingKey[][] {
  const batches: PendingKey[][] = [];
  let [batch, room]: [PendingKey[], number] = [[], 0];
  for (const entry of entries) {
    room -= entry.bytes + (documents === 0 ? 0 : bytes / documents);
    if (batch.length === 0 || room < 0) {
      batch = [];
      batches.push(batch);
      room = READ_BYTES;
    }
    batch.push(entry);
  }
  return batches;
}
