import type { Timestamp } from 'mongodb';
import type { VerificationMode } from '../../contract/index.ts';
import { UserError } from '../../platform/index.ts';
import { type DirtyKey, unknownKey } from '../apply/dirty-key.ts';
import type { Lanes } from '../apply/lanes.ts';
import type { DocumentKey } from '../bson/document-key.ts';
import type { RunContext } from '../collections/context.ts';
import { CollectionDropped, CollectionMissing } from '../collections/moved.ts';
import { noteReordered } from '../collections/note-reordered.ts';
import { SeenChanges } from '../collections/seen-changes.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { Slots } from '../concurrency/slots.ts';
import type { Throttle } from '../concurrency/throttle.ts';
import { RepeatedId } from '../mongodb/repeated-ids.ts';
import { VerificationRecords, type VerifiedRangeRecord } from '../records/verification-records.ts';
import type { DigestHelper } from '../scope/digest-helper.ts';
import { CatalogCheck } from './catalog-check.ts';
import { describeCatalogDifference } from './catalog-difference-text.ts';
import { compareRange } from './compare-collection.ts';
import { isInOrder } from './compare-order.ts';
import { DigestedRanges } from './digested-ranges.ts';
import { ExternalWatch } from './external-watch.ts';
import { Mismatches } from './mismatches.ts';
import type { OpenKey } from './recheck-queue.ts';
import { type AppliedStream, MigrationRechecks, type SettledMismatch } from './rechecks.ts';
import { coverAll, planRanges, type VerifiedRange } from './verified-ranges.ts';

/** The full comparison of a collection. */
interface Comparison {
  /** The collection's lifecycle when it began: another one means that it was copied again or quarantined since. */
  readonly lifecycle: object;
  readonly ranges: readonly VerifiedRange[];
  /** Whether the order of a capped collection was compared in this run. */
  isOrdered: boolean;
}

interface VerificationOptions {
  readonly mode: VerificationMode;
  readonly digests: DigestHelper | undefined;
  readonly externalTo: Timestamp | undefined;
}

const LOOK_AGAIN_AFTER_MS = 1_000;
/** How often documents that differ and are not repaired are compared again. */
const OPEN_AGAIN_AFTER_MS = 10_000;
/** A document that is deleted and inserted again changes its place while both sides are read. */
const ORDER_COUNTS_AFTER = 3;

/**
 * Verifies a migration while it runs: one full comparison of each live collection, and a comparison of each key after
 * its last change. Its positions and its evidence are on the destination, so a successor continues.
 */
export class Verification {
  readonly #context: RunContext;
  readonly #lanes: Lanes;
  readonly #throttle: Throttle;
  readonly #start: (task: () => Promise<void>) => Promise<void>;
  readonly mode: VerificationMode;
  readonly #records: VerificationRecords;
  readonly #slots: Slots;
  readonly #comparisons = new Map<TrackedCollection, Comparison>();
  readonly #underWay = new Set<TrackedCollection>();
  /** How much of the work on a comparison has begun and not ended. Parts that wait for a slot don't count. */
  readonly #working = new Map<TrackedCollection, number>();
  /** When open mismatches are compared again; undefined while there are none. */
  #openAgainAtMs: number | undefined;
  readonly rechecks: MigrationRechecks;
  readonly mismatches: Mismatches;
  readonly external: ExternalWatch;
  readonly catalog: CatalogCheck;
  readonly digests: DigestedRanges | undefined;
  /** Changes of capped collections that only the destination had, by their namespace on the source. */
  readonly cappedWrites = new SeenChanges();

  constructor(
    context: RunContext,
    uses: {
      readonly lanes: Lanes;
      readonly throttle: Throttle;
      readonly stream: AppliedStream & { isLive(): boolean };
    },
    { mode, digests, externalTo }: VerificationOptions,
    start: (task: () => Promise<void>) => Promise<void>,
  ) {
    this.#context = context;
    this.#lanes = uses.lanes;
    this.#throttle = uses.throttle;
    this.mode = mode;
    this.digests = digests && new DigestedRanges(context, digests);
    this.#start = start;
    this.#records = new VerificationRecords(context.fence, context.retrier);
    this.#slots = new Slots(context.load.current.partitionsAtATime);
    this.mismatches = new Mismatches(context, this.#records);
    this.rechecks = new MigrationRechecks(context, uses.stream, {
      onMismatch: (open) => this.#settleMismatch(open),
      onEqual: async (open) => {
        this.#context.drops.documents.release(open.collection, open.key);
        await this.mismatches.close(open);
      },
      onCrowded: (collection) => this.#compareAgain(collection),
    });
    const sink = {
      found: (collection: TrackedCollection, keys: readonly DocumentKey[]) => this.rechecks.external(collection, keys),
      lost: (collection: TrackedCollection) => this.#compareAgain(collection),
      cappedWritten: async (collection: TrackedCollection) => {
        this.cappedWrites.note(collection.namespace);
        await noteReordered(context, collection); // rule: compare-written-capped-order
      },
      changedCatalog: (collections: ReadonlySet<string> | undefined) => this.catalog.changed(collections),
      isSettled: () => this.rechecks.keys.unbound === 0 && this.#areValid, // rule: reread-external-writes
      isHurried: uses.stream.isHurried,
    };
    this.external = new ExternalWatch(context, sink, externalTo);
    this.catalog = new CatalogCheck(context, uses.stream.isLive);
  }

  /** The oldest stream batch with a key that isn't compared since; Infinity when there is none. */
  get oldestSequence(): number {
    return this.rechecks.keys.oldestSequence;
  }

  get isOff(): boolean {
    return this.mode === 'OFF';
  }

  /** Applies the operator's load level. */
  adjustLoad(): void {
    this.#slots.resize(this.#context.load.current.partitionsAtATime);
  }

  readonly isInOrder = (collection: TrackedCollection) => isInOrder(this.#context, collection, () => true);

  /** Takes keys that a lane has just written. */
  applied(collection: TrackedCollection, dirty: readonly DirtyKey[]): void {
    this.rechecks.applied(collection, dirty);
  }

  /**
   * Loads the records of an earlier run. To be called before anything is applied.
   * @param counts  false when an engine ran since that compared nothing: then all is compared anew
   * @param isNew  whether the migration begins now, with nothing on record
   */
  async load(counts: boolean, isNew: boolean): Promise<void> {
    if (this.isOff) return;
    const [ranges, mismatches] = isNew
      ? [[], []]
      : await Promise.all([this.#records.ranges(), this.#records.mismatches()]);
    this.mismatches.load(mismatches);
    const byCollection = Map.groupBy(ranges, ({ _id }) => _id.u.toHexString(false));
    for (const [id, ranges] of byCollection) {
      const collection = this.#context.tracked.get(id);
      const continues = counts && collection?.state === 'live' && coverAll(ranges);
      if (continues) {
        this.#take(collection, ranges);
        // An earlier run may have left them as they were.
        this.rechecks.suspect(collection, this.mismatches.openKeysOf(collection));
      } else await this.#records.forget((ranges[0] as VerifiedRangeRecord)._id.u);
    }
  }

  /** Works until the run ends. */
  async run(): Promise<void> {
    if (this.isOff) return;
    const { signal, stateChanges, tracked } = this.#context;
    // Before the first comparison: all writes of other clients from here on are seen.
    await this.external.look();
    void this.#start(() => this.external.run());
    void this.#start(() => this.catalog.run());
    void this.#start(() => this.rechecks.run());
    for await (const _ of stateChanges.looks(signal, LOOK_AGAIN_AFTER_MS)) {
      for (const collection of [...this.#comparisons.keys()]) {
        if (!this.#isValid(collection)) await this.#forget(collection); // rule: forget-gone-collection
      }
      for (const collection of tracked.values()) {
        const isDue = collection.state === 'live' && collection.suspicion === null && !this.#isCompared(collection);
        if (!isDue || this.#underWay.has(collection)) continue;
        this.#underWay.add(collection);
        void this.#start(() => this.#compare(collection));
      }
      this.#compareOpenAgain();
    }
  }

  /**
   * An operator may have made a document equal, or confirmed that it is deleted, and the destination's oplog may not be
   * readable. Not at once: a comparison that has just ended would look incomplete again.
   */
  #compareOpenAgain(): void {
    if (this.mode !== 'REPORT' && !this.#context.isReversed) return; // rule: recheck-confirmed-delete
    const nowMs = this.#context.clock.elapsed();
    const dueAtMs = this.#openAgainAtMs ?? nowMs + OPEN_AGAIN_AFTER_MS;
    const isDue = dueAtMs <= nowMs;
    this.#openAgainAtMs = this.mismatches.open === 0 || isDue ? undefined : dueAtMs;
    for (const collection of isDue ? this.#comparisons.keys() : [])
      this.rechecks.suspect(collection, this.mismatches.openKeysOf(collection));
  }

  /** Whether it would see writes of other clients on the destination. */
  get seesOthers(): boolean {
    return !this.isOff && !this.external.isBlind;
  }

  /** Whether everything is compared, and each difference is repaired or on record. Always, without verification. */
  get isSettled(): boolean {
    if (this.isOff) return true;
    if (this.rechecks.keys.unbound > 0) return false;
    return [...this.#context.tracked.values()].every((collection) => this.#isCompared(collection));
  }

  /** Whether documents and catalogs are compared, and equal. Always, without verification. */
  get isClean(): boolean {
    return this.isOff || (this.isSettled && this.mismatches.open === 0 && this.catalog.differences?.length === 0);
  }

  /**
   * Refuses to wait until a user repairs a difference.
   * @throws UserError VERIFICATION_FAILED when everything is compared, and something differs that the engine won't follow
   */
  refuseDifferences(): void {
    if (this.isOff || !this.isSettled) return;
    const difference = this.catalog.differences?.find((one) => !this.catalog.isNew(one));
    const found = this.mismatches.describeOpen() ?? (difference && describeCatalogDifference(difference));
    if (found !== undefined) throw new UserError('VERIFICATION_FAILED', [found]);
  }

  /** Describes a document that differs and that the engine doesn't repair; undefined when there is none. */
  get difference(): string | undefined {
    return this.mode === 'REPORT' ? this.mismatches.describeOpen() : this.#context.drops.documents.wait?.reason;
  }

  /** Compares the catalogs now. @returns whether both sides are equal */
  async confirm(): Promise<boolean> {
    return this.isOff || (this.mismatches.open === 0 && (await this.catalog.confirm()));
  }

  /**
   * Compares the catalogs again if the destination's was changed since the last comparison began. Changes that the
   * last look at the destination has shown count.
   * @returns the description of a difference; undefined when there is none
   */
  async changedCatalog(): Promise<string | undefined> {
    const difference = this.isOff ? undefined : await this.catalog.compareChanged(this.external.isBlind);
    return difference && describeCatalogDifference(difference);
  }

  /** The position to put on record with the checkpoint. */
  get position(): { readonly externalTo?: Timestamp } {
    const { safeTime } = this.external;
    return safeTime === undefined ? {} : { externalTo: safeTime };
  }

  /**
   * Drops the keys of collections that may have missed changes: they would hold the checkpoint back at a position that
   * the source no longer has. The suspicion must be on record. Their repair begins after `untilForgotten`, so each of
   * them is compared anew as a whole, also by a successor.
   */
  dropSuspectKeys(): void {
    for (const collection of this.#comparisons.keys())
      if (collection.suspicion !== null) this.rechecks.forget(collection);
  }

  /** Resolves when no comparison of a suspect collection is on record. Must precede the end of its suspicion. */
  async untilForgotten(collection: TrackedCollection): Promise<void> {
    const { changes, signal } = this.#context;
    await changes.until(() => !this.#comparisons.has(collection), signal, LOOK_AGAIN_AFTER_MS);
  }

  /** Makes sure that all writes of other clients on the destination before this call are compared. */
  async lookAtDestination(): Promise<void> {
    if (!this.isOff) await this.external.look();
  }

  /** The ranges of all collections that are compared, or being compared. */
  get ranges(): readonly VerifiedRange[] {
    return [...this.#comparisons.values()].flatMap(({ ranges }) => ranges);
  }

  get collectionsDone(): number {
    return [...this.#context.tracked.values()].filter((collection) => this.#isCompared(collection)).length;
  }

  /** Whether no comparison has to begin anew. One that does is still on record, and a successor would continue it. */
  get #areValid(): boolean {
    return [...this.#comparisons.keys()].every((collection) => this.#isValid(collection));
  }

  #isValid(collection: TrackedCollection): boolean {
    const isSame = this.#comparisons.get(collection)?.lifecycle === collection.lifecycle;
    return isSame && collection.state === 'live' && collection.suspicion === null;
  }

  #isCompared(collection: TrackedCollection): boolean {
    const comparison = this.#comparisons.get(collection);
    if (!comparison?.isOrdered || !this.#isValid(collection)) return false;
    return comparison.ranges.every(({ done }) => done);
  }

  #take(collection: TrackedCollection, ranges: readonly VerifiedRange[]): void {
    this.#comparisons.set(collection, { lifecycle: collection.lifecycle, ranges, isOrdered: !collection.isCapped });
    this.rechecks.begin(collection);
  }

  async #compare(collection: TrackedCollection): Promise<void> {
    const { checkpoint } = this.#context;
    try {
      if (!this.#comparisons.has(collection)) {
        const ranges = planRanges(
          checkpoint.migrationId,
          collection.uuid,
          await checkpoint.partitions(collection.uuid),
        );
        if (collection.state !== 'live' || collection.suspicion !== null) return;
        this.#take(collection, ranges);
        await this.#during(collection, () => this.#records.plan(ranges));
      }
      const comparison = this.#comparisons.get(collection);
      const isValid = () => this.#comparisons.get(collection) === comparison && this.#isValid(collection);
      const { rechecks, digests } = this;
      const uses = { rechecks, throttle: this.#throttle, records: this.#records, digests, isValid };
      const open = (comparison?.ranges ?? []).filter(({ done }) => !done);
      const compare = (range: VerifiedRange) => () => compareRange(this.#context, collection, range, uses);
      const inTurn = (work: () => Promise<void>) => this.#slots.run(() => this.#during(collection, work));
      await Promise.all(open.map((range) => inTurn(compare(range))));
      if (collection.isCapped) await this.#compareOrder(collection, isValid);
      this.#context.stateChanges.notify();
    } catch (error) {
      // Its lane meets the same documents, and quarantines the collection.
      if (error instanceof RepeatedId) return this.#lanes.add(unknownKey(collection, error.key));
      // A missing collection is compared later, a dropped one not at all.
      if (!(error instanceof CollectionDropped || error instanceof CollectionMissing)) throw error;
    } finally {
      this.#underWay.delete(collection);
    }
  }

  /** Runs a part of a comparison, which stays on record until that has ended. */
  async #during<T>(collection: TrackedCollection, work: () => Promise<T>): Promise<T> {
    const count = () => this.#working.get(collection) ?? 0;
    this.#working.set(collection, count() + 1);
    try {
      return await work();
    } finally {
      if (count() > 1) this.#working.set(collection, count() - 1);
      else this.#working.delete(collection);
    }
  }

  /** A capped collection that isn't found in order is compared again before the cutover, and copied again. */
  async #compareOrder(collection: TrackedCollection, isValid: () => boolean): Promise<void> {
    const { clock, logger, signal } = this.#context;
    const comparison = this.#comparisons.get(collection);
    const compare = () => this.#during(collection, () => isInOrder(this.#context, collection, isValid));
    for (let times = 1; !(await this.#slots.run(compare)); times += 1) {
      if (!isValid()) return;
      if (times === ORDER_COUNTS_AFTER) {
        const { namespace } = collection;
        logger.warn({ event: 'verification.capped_reordered', namespace }, 'A capped collection is in another order');
        await noteReordered(this.#context, collection);
        break;
      }
      await clock.sleep(LOOK_AGAIN_AFTER_MS, signal);
    }
    if (comparison !== undefined) comparison.isOrdered = true;
  }

  /**
   * The collection is copied again, quarantined, repaired or dropped. Its keys hold the checkpoint back until that is on
   * record.
   */
  async #forget(collection: TrackedCollection): Promise<void> {
    if (this.#working.has(collection)) return; // rule: forget-waiting-comparison
    await this.#records.forget(collection.uuid);
    await this.mismatches.forget(collection);
    this.#context.drops.documents.releaseAll(collection);
    this.#comparisons.delete(collection);
    this.rechecks.forget(collection);
  }

  /** Begins the comparison of a collection anew. */
  #compareAgain(collection: TrackedCollection): void {
    const comparison = this.#comparisons.get(collection);
    if (comparison === undefined) return;
    this.#comparisons.set(collection, { ...comparison, lifecycle: {} });
    this.#context.stateChanges.notify();
  }

  async #settleMismatch(open: OpenKey): Promise<SettledMismatch> {
    const { collection, key, sequence } = open;
    const { clock, drops, isReversed } = this.#context;
    const isExtra = open.sourceHash === undefined;
    const isHeld = this.mode === 'REPAIR' && isReversed && isExtra && !drops.arePermitted; // rule: former-source-keeps-extra
    const result = await this.mismatches.note(open, this.mode === 'REPAIR' && !isHeld);
    if (result === 'equal') return 'equal';
    if (isHeld && result === 'noted') drops.documents.hold(collection, key, clock.now());
    // The write pause compares the ends of capped collections.
    if (result === 'discarded' || this.mode === 'REPORT' || isHeld) return 'left';
    this.#lanes.add({ collection, key, state: { kind: 'unknown' }, sequence });
    return 'repairing';
  }
}
