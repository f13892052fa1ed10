import { Binary } from 'mongodb';
import { failpoint } from '../../platform/index.ts';
import { unknownKey } from '../apply/dirty-key.ts';
import type { Lanes } from '../apply/lanes.ts';
import { sidesOf } from '../apply/migrated-sides.ts';
import { type DocumentKey, detachedKey, keyBytes, keyFromBytes } from '../bson/document-key.ts';
import { bufferOf } from '../bson/stored-bytes.ts';
import type { RunContext } from '../collections/context.ts';
import { CollectionDropped, CollectionMissing } from '../collections/moved.ts';
import type { Suspicion, TrackedCollection } from '../collections/tracked-collection.ts';
import { ONLY_KEYS, readBoth } from '../compare/collection-side.ts';
import { compareChunk, type DifferingPair } from '../compare/compare-chunk.ts';
import { Slots } from '../concurrency/slots.ts';
import type { Throttle } from '../concurrency/throttle.ts';
import type { Copier } from '../copy/copier.ts';
import { batchSize } from '../copy/open-read.ts';
import { RepeatedId } from '../mongodb/repeated-ids.ts';

/** When documents that only the destination had are read again. The stream has shown most deletes by then. */
const LEFT_AGAIN_AFTER_MS = 1_000;
/** How often they are read again while they wait for a confirmation. */
const HELD_AGAIN_AFTER_MS = 10_000;
/** The most that are remembered of a collection. One with more is compared again as a whole. */
const MOST_LEFT = 1_000;
/** For a collection that the source's server doesn't have: nothing announces its return. */
const LOOK_AGAIN_AFTER_MS = 250;
const SAVE_POSITION_EVERY_MS = 1_000;

/** Documents that only the destination had when a collection was compared. */
interface Left {
  readonly suspicion: Suspicion;
  readonly keys: readonly DocumentKey[];
  /** When they are read again, by `clock.elapsed()`. */
  readonly dueAtMs: number;
}

/**
 * Repairs collections that may have missed changes, while new changes continue. It compares both sides, and queues each
 * difference in the lanes, which read the key again. A key that changes at that moment may look different, which costs
 * one read.
 *
 * Reads after the stream's new position decide a key's state, so the stream shows every change that such a read hasn't
 * seen.
 *
 * A document that only the destination has may have been deleted by a change that was missed. Where the destination was
 * a source before, it may as well be the last copy: the source may have lost it. Such documents stay, and the collection
 * stays suspect, until an operator confirms that they are deleted.
 */
export class Repairs {
  readonly #context: RunContext;
  readonly #lanes: Lanes;
  readonly #copier: Copier;
  readonly #throttle: Throttle;
  readonly #start: (task: () => Promise<void>) => Promise<void>;
  readonly #slots: Slots;
  readonly #verificationForgotten: (collection: TrackedCollection) => Promise<void>;
  readonly #underWay = new Set<TrackedCollection>();
  readonly #left = new Map<TrackedCollection, Left>();
  /** While the stream has no position, nothing may be compared. */
  held = false;

  /** @param uses  `verificationForgotten` resolves when no earlier verification of a collection is on record */
  constructor(
    context: RunContext,
    uses: {
      readonly lanes: Lanes;
      readonly copier: Copier;
      readonly throttle: Throttle;
      readonly verificationForgotten: (collection: TrackedCollection) => Promise<void>;
    },
    start: (task: () => Promise<void>) => Promise<void>,
  ) {
    this.#context = context;
    this.#lanes = uses.lanes;
    this.#copier = uses.copier;
    this.#throttle = uses.throttle;
    this.#verificationForgotten = uses.verificationForgotten;
    this.#start = start;
    this.#slots = new Slots(context.load.current.partitionsAtATime);
  }

  /** Applies the operator's load level. */
  adjustLoad(): void {
    this.#slots.resize(this.#context.load.current.partitionsAtATime);
  }

  /** Works until the run ends. */
  async run(): Promise<void> {
    const { clock, signal, stateChanges, tracked } = this.#context;
    for await (const _ of stateChanges.looks(signal, LOOK_AGAIN_AFTER_MS)) {
      for (const collection of this.held ? [] : tracked.values()) {
        if (collection.suspicion === null || collection.state !== 'live' || this.#underWay.has(collection)) continue;
        if (!this.#context.drops.arePermitted && (this.#left.get(collection)?.dueAtMs ?? 0) > clock.elapsed()) continue;
        this.#underWay.add(collection);
        void this.#start(() => this.#repairInTurn(collection));
      }
    }
  }

  async #repairInTurn(collection: TrackedCollection): Promise<void> {
    // The verification drops keys of a suspect collection, so it must begin anew after the repair, also after a kill.
    // rule: forget-suspect-verification
    await this.#verificationForgotten(collection);
    await this.#slots.run(() => this.#repair(collection));
  }

  async #repair(collection: TrackedCollection): Promise<void> {
    try {
      const { suspicion } = collection;
      if (suspicion === null || this.held) return;
      // Its order is part of its data, and its size is bounded.
      if (collection.isCapped) await this.#copier.copyAnew(collection);
      else if (this.#areLeft(collection, suspicion)) await this.#readLeft(collection, suspicion);
      else await this.#compare(collection, suspicion);
      // History was lost again meanwhile, and the loop passed over a collection that was under way.
      if (collection.suspicion !== null) this.#context.stateChanges.notify();
    } catch (error) {
      // Its lane meets the same documents, and quarantines the collection.
      if (error instanceof RepeatedId) return await this.#carryOver(collection, [error.key]);
      // A missing collection stays suspect, so the next rounds repair it.
      if (!(error instanceof CollectionDropped || error instanceof CollectionMissing)) throw error;
    } finally {
      this.#underWay.delete(collection);
    }
  }

  /** Ends without effect when history was lost again meanwhile: its results count for nothing then. */
  async #compare(collection: TrackedCollection, suspicion: Suspicion): Promise<void> {
    const { gate, signal, clock, counters, checkpoint } = this.#context;
    // Changes dispatched before the loss must not be written after the comparison.
    // rule: flush-lanes-before-repair
    await this.#lanes.flush();
    let after = suspicion.comparedTo === null ? undefined : keyFromBytes(bufferOf(suspicion.comparedTo));
    const { source, destination } = sidesOf(this.#context, collection);
    let savedAtMs = clock.elapsed();
    const left: DocumentKey[] = [];
    const differ = async (pairs: readonly DifferingPair[]) => {
      const { stay = [], change = [] } = Object.groupBy(pairs, (pair) => (this.#mayBeLast(pair) ? 'stay' : 'change'));
      left.push(...stay.slice(0, MOST_LEFT - left.length).map(({ key }) => detachedKey(key)));
      await this.#carryOver(
        collection,
        change.map(({ key }) => key),
      );
    };
    while (true) {
      await gate.pass(signal);
      const chunk = await compareChunk(source, destination, { after, limit: batchSize(collection), differ });
      if (collection.suspicion !== suspicion) return;
      counters.compared += chunk.documents;
      counters.differed += chunk.differing;
      await failpoint('engine.verify.chunk-compared');
      if (chunk.last === undefined) break;
      after = chunk.last;
      await this.#throttle.take(chunk.bytes, signal);
      // A successor has to find those that are left again.
      if (left.length > 0 || clock.elapsed() - savedAtMs < SAVE_POSITION_EVERY_MS) continue;
      savedAtMs = clock.elapsed();
      await this.#lanes.flush();
      const comparedTo = new Binary(keyBytes(after));
      await checkpoint.saveCompared(collection.uuid, suspicion.mark, comparedTo);
      await failpoint('engine.verify.position-saved');
    }
    await this.#lanes.flush();
    await this.#end(collection, suspicion, left);
  }

  /** Whether a comparison has left documents, and the next one reads only those. */
  #areLeft(collection: TrackedCollection, suspicion: Suspicion): boolean {
    const left = this.#left.get(collection);
    return left?.suspicion === suspicion && left.keys.length < MOST_LEFT && !this.#context.drops.arePermitted;
  }

  /**
   * Reads the documents that a comparison has left. A change that the stream has shown since explains those that are
   * equal now.
   */
  async #readLeft(collection: TrackedCollection, suspicion: Suspicion): Promise<void> {
    const { keys = [] } = this.#left.get(collection) ?? {};
    await this.#lanes.flush();
    const { source, destination } = await readBoth(sidesOf(this.#context, collection), keys, () => true, ONLY_KEYS);
    const isLeft = ({ identity }: DocumentKey) => destination.found.has(identity) && !source.found.has(identity);
    await this.#end(collection, suspicion, keys.filter(isLeft));
  }

  /** Ends the suspicion of a collection, unless documents are left. Those that are left a second time are held. */
  async #end(collection: TrackedCollection, suspicion: Suspicion, left: readonly DocumentKey[]): Promise<void> {
    const { checkpoint, clock, drops } = this.#context;
    const isSecond = this.#left.get(collection)?.suspicion === suspicion;
    this.#left.delete(collection);
    // Copied anew or suspect again meanwhile: nothing would release what is held now.
    if (collection.suspicion !== suspicion) return;
    drops.documents.releaseAll(collection);
    if (left.length > 0) {
      for (const key of isSecond ? left : []) drops.documents.hold(collection, key, clock.now());
      const dueAtMs = clock.elapsed() + (isSecond ? HELD_AGAIN_AFTER_MS : LEFT_AGAIN_AFTER_MS);
      this.#left.set(collection, { suspicion, keys: left, dueAtMs });
      return;
    }
    await checkpoint.clearSuspect(collection.uuid, suspicion.mark);
    if (collection.suspicion === suspicion) collection.suspicion = null;
  }

  /** Whether a document may be the last copy, and has to stay. */
  #mayBeLast({ source }: DifferingPair): boolean {
    const { drops, isReversed } = this.#context;
    // rule: repair-keeps-former-extra
    return isReversed && source === undefined && !drops.arePermitted;
  }

  async #carryOver(collection: TrackedCollection, keys: readonly DocumentKey[]): Promise<void> {
    await this.#lanes.room();
    for (const key of keys) {
      this.#lanes.add(unknownKey(collection, key));
    }
  }
}
