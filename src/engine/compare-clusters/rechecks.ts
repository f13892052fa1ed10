import { failpoint } from '../../platform/index.ts';
import type { DocumentKey } from '../bson/document-key.ts';
import { type BothRead, readBoth } from '../compare/collection-side.ts';
import { describeDifference, isSameDocument } from '../compare/difference.ts';
import { hashOf } from '../compare/read-keys.ts';
import { type Patience, Rechecks } from '../compare/rechecks.ts';
import type { ComparedPair } from './compared-pair.ts';
import { type ComparisonContext, PairMoved } from './comparison-context.ts';
import { clusterTime, shownId } from './differences.ts';
import { pairSides } from './pair-side.ts';
import type { PairKey, ReadTimes } from './pending-keys.ts';
import type { Repair, Repairer } from './repairer.ts';

const LOOK_EVERY_MS = 20;
const MOVED_AGAIN_AFTER_MS = 1_000;
/** How often a key is looked at that waits for the streams. */
const SHOWN_AGAIN_AFTER_MS = 100;

/** Servers delete expired documents once a minute, and a pass over a large collection takes a while. */
const EXPIRY_SETTLES_MS = 150_000;

/**
 * Reads keys again that have changed, or that a chunk found to differ. A key counts as different when it has differed for
 * a while without a change on either side.
 */
export class PairRechecks implements Patience<ComparedPair, PairKey> {
  readonly #context: ComparisonContext;
  readonly #repairer: Repairer | undefined;
  readonly lingerMs = 0;

  constructor(context: ComparisonContext, repairer: Repairer | undefined) {
    this.#context = context;
    this.#repairer = repairer;
  }

  /** Works until the signal aborts. */
  async run(): Promise<void> {
    const { pending, clock, signal } = this.#context;
    await new Rechecks(pending, this, clock).run(signal);
  }

  async ready(): Promise<void> {
    const { pending } = this.#context;
    // Changes that come faster than they are compared would fill the memory.
    // rule: crowded-pair-anew
    const { crowded } = pending;
    if (crowded === undefined) return;
    pending.forget(crowded);
    crowded.invalidate();
  }

  averageBytes({ compared: { bytes, documents } }: ComparedPair): number {
    return documents === 0 ? 0 : bytes / documents;
  }

  readiness(): (entry: PairKey) => boolean {
    return (entry) => {
      if (entry.verdict === undefined || this.#areShown(entry.verdict.times)) return true;
      // Asking for each of many keys at every look would use up the processor.
      entry.dueAtMs = this.#context.clock.elapsed() + SHOWN_AGAIN_AFTER_MS;
      return false;
    };
  }

  async read(pair: ComparedPair, entries: readonly PairKey[]): Promise<BothRead<string>> {
    const read = await this.#read(pair, entries, hashOf);
    await failpoint('engine.compare.rechecked');
    return read;
  }

  /** Settles a key that both sides have alike. A change that was shown during the read makes it pending again. */
  async equal(entry: PairKey): Promise<void> {
    const { collection: pair, key, changed } = entry;
    if ((changed.source || changed.destination) && (entry.isAwaited || !entry.isUnread)) pair.rechecked += 1;
    this.#context.differences.resolve(pair.namespace, key);
    this.#context.pending.settleAsRead(entry);
  }

  differs(entry: PairKey, { source, destination }: BothRead<string>): number | undefined {
    const { clock } = this.#context;
    if (entry.isUnread) return entry.nextReadInMs();
    if (entry.verdict !== undefined) return undefined;
    entry.firstSeenMs ??= clock.now();
    entry.differsSinceMs ??= clock.elapsed();
    const { identity } = entry.key;
    const isMissing = !source.found.has(identity) || !destination.found.has(identity);
    if (clock.elapsed() - entry.differsSinceMs >= this.#settlesAfterMs(entry.collection, isMissing)) {
      entry.verdict = { times: { source: source.time, destination: destination.time } };
      entry.hurry();
    }
    return entry.nextReadInMs();
  }

  async declare(entries: readonly PairKey[]): Promise<void> {
    const different: PairKey[] = [];
    for (const entry of entries) if (await this.#judge(entry)) different.push(entry);
    await this.#repair(different);
  }

  pauseAfter(error: unknown): number {
    if (!(error instanceof PairMoved)) throw error;
    return MOVED_AGAIN_AFTER_MS;
  }

  ended(): void {}

  async rest(reads: ReadonlySet<Promise<void>>): Promise<void> {
    const { clock, signal } = this.#context;
    await Promise.race([clock.sleep(LOOK_EVERY_MS, signal), ...reads]);
  }

  /**
   * Counts the key as different, once the streams have shown that it didn't change before it was read.
   * @returns whether it counts and hasn't settled
   */
  async #judge(entry: PairKey): Promise<boolean> {
    const { pending, differences, clock } = this.#context;
    const { collection: pair, key, verdict } = entry;
    // A change takes the verdict back, also while another key is judged.
    // rule: change-withdraws-verdict
    if (verdict === undefined || !this.#areShown(verdict.times)) {
      entry.hurry();
      pending.queue(entry);
      return false;
    }
    await failpoint('engine.compare.judging');
    const { wanted, there, times } = await this.#readDocuments(entry);
    if (isSameDocument(wanted, there)) {
      await this.equal(entry);
      return false;
    }
    if (entry.verdict !== verdict) {
      pending.queue(entry);
      return false;
    }
    const isExternal = this.#isExternal(entry, wanted);
    differences.add(key, {
      namespace: pair.namespace,
      destinationNamespace: pair.destinationNamespace,
      _id: shownId(key),
      ...describeDifference(wanted, there),
      firstSeenMs: entry.firstSeenMs ?? clock.now(),
      sourceTime: clusterTime(times.source),
      destinationTime: clusterTime(times.destination),
      ...(isExternal ? { external: true } : {}),
    });
    // Never overwrite a write that another client made on the destination while the clusters were compared.
    // rule: leave-destination-only-changes
    if (!isExternal && this.#repairer?.mayRepair(entry)) return true;
    pending.settle(entry);
    return false;
  }

  /**
   * Whether another client wrote the key on the destination only. The stream also shows repairs; but after a repair, the
   * destination has the source's document.
   */
  #isExternal({ collection: pair, key, changed, repairedTo }: PairKey, wanted: Buffer | undefined): boolean {
    const { differences, source } = this.#context;
    // rule: own-repair-or-external-write
    if (repairedTo !== undefined) return repairedTo.hash === (wanted && hashOf(wanted));
    // A key that was settled as external may be found again.
    const isChanged = changed.destination || differences.isExternal(pair.namespace, key); // rule: external-stays-external
    return isChanged && !changed.source && source.isWatched;
  }

  /** Repairs keys that are on record: a run that is killed meanwhile still reports them. */
  async #repair(entries: readonly PairKey[]): Promise<void> {
    if (entries.length === 0) return;
    await this.#repairer?.confirmAllowed();
    await this.#record(entries);
    const left = new Set(entries);
    for (const entry of entries) if (left.delete(entry)) await this.#repairOne(entry, left);
  }

  async #record(entries: readonly PairKey[]): Promise<void> {
    // rule: record-repair-before-write
    for (const { collection: pair, key } of entries) this.#context.differences.beginRepair(pair.namespace, key);
    this.#context.save();
    await failpoint('engine.compare.repairs-recorded');
  }

  /**
   * Writes the source's document, together with those whose unique values are in its way. A key that has changed since it
   * was found to differ is read again first.
   * @param left  judged keys on record that wait for their repair. Those that are repaired along are taken from it
   */
  async #repairOne(entry: PairKey, left: Set<PairKey>): Promise<void> {
    const { pending } = this.#context;
    await this.#repairer?.confirmAllowed();
    const first = await this.#toRepair(entry);
    if (first === undefined) return;
    const together = [first];
    try {
      let inTheWay: readonly DocumentKey[] = [];
      do {
        const holders = await this.#holders(entry.collection, inTheWay, left, together);
        // Another try follows once those in its way were found to differ, too.
        if (holders < inTheWay.length) return this.#repairer?.giveUp(entry, 'other documents have its unique values');
        // rule: repair-notices-change
        if (together.some((one) => one.entry.verdict !== one.verdict)) return;
        inTheWay = (await this.#repairer?.repair(together)) ?? [];
      } while (inTheWay.length > 0);
      await failpoint('engine.compare.repaired');
    } finally {
      for (const one of together) pending.queue(one.entry);
    }
  }

  /** Reads a judged key once more. @returns undefined when it is equal now, or was changed, and is settled or queued */
  async #toRepair(entry: PairKey): Promise<Repair | undefined> {
    const { verdict } = entry;
    if (verdict !== undefined) {
      const { wanted, there } = await this.#readDocuments(entry);
      if (isSameDocument(wanted, there)) {
        await this.equal(entry);
        return undefined;
      }
      return { entry, verdict, wanted, there };
    }
    this.#context.pending.queue(entry);
    return undefined;
  }

  /**
   * Adds those of the keys that may be repaired now: each was found to differ, and is on record.
   * @returns how many it has added
   */
  async #holders(
    pair: ComparedPair,
    keys: readonly DocumentKey[],
    left: Set<PairKey>,
    together: Repair[],
  ): Promise<number> {
    const { pending } = this.#context;
    const before = together.length;
    for (const key of keys) {
      const judged = [...left].find((one) => one.collection === pair && one.key.identity === key.identity);
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

  async #readDocuments(entry: PairKey) {
    const { identity } = entry.key;
    const { source, destination } = await this.#read(entry.collection, [entry], (document) => Buffer.from(document));
    await failpoint('engine.compare.documents-read');
    const times = { source: source.time, destination: destination.time };
    return { wanted: source.found.get(identity), there: destination.found.get(identity), times };
  }

  async #read<T>(pair: ComparedPair, entries: readonly PairKey[], take: (document: Buffer) => T): Promise<BothRead<T>> {
    for (const entry of entries) entry.beginRead();
    const keys = entries.map(({ key }) => key);
    return await readBoth(pairSides(this.#context, pair), keys, take);
  }

  /** Whether both streams have shown everything up to the times of a read. */
  #areShown(times: ReadTimes): boolean {
    const { source, destination } = this.#context;
    return source.hasShown(times.source) && destination.hasShown(times.destination);
  }

  #settlesAfterMs(pair: ComparedPair, isMissing: boolean): number {
    return isMissing && pair.expires ? Math.max(EXPIRY_SETTLES_MS, this.#context.settleMs) : this.#context.settleMs;
  }
}
