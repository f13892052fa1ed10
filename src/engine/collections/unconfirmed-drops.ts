import { dateOf, type Wait } from '../../contract/index.ts';
import { type Clock, UserError } from '../../platform/index.ts';
import { collectionSize } from '../catalog/read-catalog.ts';
import { Slots } from '../concurrency/slots.ts';
import type { Clusters, Pace, Records } from '../records/context.ts';
import type { TrackedCollection } from './tracked-collection.ts';
import { UnconfirmedDeletes } from './unconfirmed-deletes.ts';
import { UnconfirmedHistory } from './unconfirmed-history.ts';

/** Drops within this time are judged together, because a script drops databases one after the other. */
const TOGETHER_MS = 60_000;
const SIZES_AT_A_TIME = 8;

interface Loss {
  readonly documents: number;
  readonly namespace: string;
}

/** How much of the migration the source dropped. */
interface Share {
  readonly collections: number;
  readonly ofCollections: number;
  readonly documents: number;
  readonly ofDocuments: number;
}

/**
 * Holds drops until an operator confirms them, when they remove more than half of the migration's collections or documents within a
 * minute. A source that was emptied by mistake must not empty its copy as well. A held collection stays unchanged on the destination,
 * also in the next run, until its drop is confirmed or the source has its name again. All other collections continue, and a cutover has
 * to wait.
 */
export class UnconfirmedDrops {
  #held: ReadonlyMap<TrackedCollection, Loss> = new Map();
  /** Were held, and are about to be dropped. */
  #released: readonly TrackedCollection[] = [];
  #followed: readonly (Loss & { readonly elapsedMs: number })[] = [];
  #permitted: boolean;
  #since: { readonly sinceMs: number; readonly elapsedMs: number } | undefined;
  #share: Share = { collections: 0, ofCollections: 0, documents: 0, ofDocuments: 0 };
  /** Held as a whole, for the same confirmation, when the source went back in its history. */
  readonly history = new UnconfirmedHistory();
  /** Documents whose deletes wait for the same confirmation. */
  readonly documents = new UnconfirmedDeletes();
  /** The ids of the held collections that are on record, in order. */
  #recorded: readonly string[];
  /** Those of them that an earlier run has held, and this one hasn't judged yet. */
  readonly #heldBefore: Set<string>;

  /**
   * @param permitted  whether all drops are confirmed from the start
   * @param recorded  the collections that an earlier run has held, by UUID
   */
  constructor(permitted: boolean, recorded: readonly string[] = []) {
    this.#permitted = permitted;
    this.#recorded = recorded;
    this.#heldBefore = new Set(recorded);
  }

  /**
   * Confirms the held drops and all later ones, the deletes of held documents, and a history that was held before.
   * @param confirmation  a number that grows with each confirmation
   */
  permit(confirmation: number): void {
    this.#permitted = true;
    this.history.confirm(confirmation);
  }

  /** Whether all drops are confirmed. */
  get arePermitted(): boolean {
    return this.#permitted;
  }

  /** Whether anything is held, or was, also by an earlier run, and isn't judged or dropped yet. */
  get any(): boolean {
    if (this.history.isHeld) return true;
    return this.#held.size > 0 || this.#heldBefore.size > 0 || this.#released.some(({ isGone }) => !isGone);
  }

  has(collection: TrackedCollection): boolean {
    return this.history.isHeld || this.#held.has(collection);
  }

  /** Source names of the databases whose held drops have been confirmed. */
  get confirmed(): readonly string[] {
    return this.#permitted ? [...this.#held.keys()].map(({ sourceDatabase }) => sourceDatabase) : [];
  }

  /** The wait for a confirmation; undefined while nothing is held. */
  get wait(): Wait | undefined {
    if (this.history.isHeld) return this.history.wait;
    // rule: failback-waits-for-unconfirmed-deletes
    if (this.#since === undefined) return this.#permitted ? undefined : this.documents.wait;
    return { for: 'a confirmation of drops', since: dateOf(this.#since.sinceMs), reason: this.#error.message };
  }

  /** The error for a migration without an operator, once a drop has been held for `afterMs`. */
  refusal(clock: Clock, afterMs: number): UserError | undefined {
    if (this.#since === undefined || clock.elapsed() - this.#since.elapsedMs < afterMs) return undefined;
    return this.#error;
  }

  /**
   * Decides which of the collections that the source no longer has may be dropped.
   * @param databases  the source's databases that `gone` was computed from
   * @param isThereAgain  whether the source has a namespace with the same name. A recreated or replaced collection is no loss
   * @returns the collections to drop now; all others are held
   */
  async judge(
    context: Clusters & Records & Pace & { readonly tracked: Map<string, TrackedCollection> },
    databases: ReadonlySet<string>,
    gone: readonly TrackedCollection[],
    isThereAgain: (collection: TrackedCollection) => boolean,
  ): Promise<readonly TrackedCollection[]> {
    const { clock } = context;
    const heldElsewhere = [...this.#held].filter(([{ sourceDatabase }]) => !databases.has(sourceDatabase));
    // rule: recreated-is-not-lost
    const missed = this.#permitted ? [] : gone.filter((one) => !isThereAgain(one));
    const lost = (await losses(context, missed)).filter(([, { documents }]) => documents > 0);
    this.#followed = this.#followed.filter(({ elapsedMs }) => clock.elapsed() - elapsedMs < TOGETHER_MS);
    const judged = lost.length > 0 ? await this.#judgeShare(context, [...heldElsewhere, ...lost]) : undefined;
    // No `await` while this changes: a cutover must not see a moment in which nothing is held.
    const before = this.#held;
    const wasHeld = (one: TrackedCollection) => before.has(one) || this.#heldBefore.has(one.id);
    // A drop that was held once stays so, however small a part of the migration it is by now.
    // rule: hold-large-drops
    const holds = judged?.isMost ? lost : lost.filter(([one]) => wasHeld(one));
    this.#held = new Map([...heldElsewhere, ...holds]);
    this.#released = gone.filter((one) => wasHeld(one) && !this.#held.has(one));
    for (const id of this.#heldBefore) {
      const one = context.tracked.get(id);
      if (one === undefined || databases.has(one.sourceDatabase)) this.#heldBefore.delete(id);
    }
    const elapsedMs = clock.elapsed();
    const follows = lost.filter(([one]) => !this.#held.has(one));
    this.#followed = [...this.#followed, ...follows.map(([, loss]) => ({ ...loss, elapsedMs }))];
    if (judged?.isMost || this.#since === undefined) this.#share = judged?.share ?? this.#share;
    if (this.#held.size > 0) this.#since ??= { sinceMs: clock.now(), elapsedMs };
    else this.#since = undefined;
    await this.#record(context);
    return gone.filter((one) => !this.#held.has(one));
  }

  /** Puts on record which drops are held, before any other is followed. */
  async #record({ checkpoint }: Records): Promise<void> {
    const ids = [...new Set([...[...this.#held.keys()].map(({ id }) => id), ...this.#heldBefore])].sort();
    if (ids.join() === this.#recorded.join()) return;
    await checkpoint.save({ unconfirmedDrops: ids });
    this.#recorded = ids;
  }

  /** Returns the share of these, together with the drops followed within the last minute, and whether it is more than half. */
  async #judgeShare(
    context: Clusters & Pace & { readonly tracked: Map<string, TrackedCollection> },
    lost: readonly (readonly [TrackedCollection, Loss])[],
  ): Promise<{ readonly share: Share; readonly isMost: boolean }> {
    const all = [...this.#followed, ...lost.map(([, loss]) => loss)];
    const documents = all.reduce((sum, loss) => sum + loss.documents, 0);
    const isLost = new Set(lost.map(([collection]) => collection));
    const rest = [...context.tracked.values()].filter((one) => !isLost.has(one));
    const ofCollections = rest.length + all.length;
    const isMost = all.length * 2 > ofCollections;
    const left = await documentsOf(context, rest, isMost ? 0 : documents);
    const share = { collections: all.length, ofCollections, documents, ofDocuments: documents + left };
    // rule: count-dropped-documents
    return { share, isMost: isMost || documents > left };
  }

  get #error(): UserError {
    const { collections, ofCollections, documents, ofDocuments } = this.#share;
    const [first] = this.#held.values();
    const parameters = [collections, ofCollections, documents, ofDocuments].map(String);
    return new UserError('DROPS_UNCONFIRMED', [...parameters, first?.namespace ?? '']);
  }
}

/**
 * Returns the number of documents of these collections. Counts the largest ones first until there are `enough`, because a
 * migration may have thousands of collections. All others are estimated: their figures date from the copy, and the
 * collections may have grown or shrunk since.
 */
async function documentsOf(
  context: Clusters & Pace,
  collections: readonly TrackedCollection[],
  enough: number,
): Promise<number> {
  const estimate = (one: TrackedCollection) => Math.max(one.documents, one.copied.documents);
  const uncounted = collections.toSorted((a, b) => estimate(b) - estimate(a));
  let counted = 0;
  // rule: count-remaining-documents
  while (counted < enough && uncounted.length > 0)
    for (const [, { documents }] of await losses(context, uncounted.splice(0, SIZES_AT_A_TIME))) counted += documents;
  return uncounted.reduce((sum, one) => sum + estimate(one), counted);
}

/** Returns the documents that the destination would lose with each collection, or would never get. */
async function losses(
  context: Clusters & Pace,
  collections: readonly TrackedCollection[],
): Promise<(readonly [TrackedCollection, Loss])[]> {
  const slots = new Slots(SIZES_AT_A_TIME);
  const { retrier, destination } = context;
  return await Promise.all(
    collections.map((collection) =>
      slots.run(async () => {
        const { namespace, destinationDatabase, destinationName } = collection;
        const size = await retrier.run('the destination', () =>
          collectionSize(destination, destinationDatabase, destinationName),
        );
        const present = size.documents || 0;
        const documents = collection.isDone ? present : Math.max(present, collection.documents);
        return [collection, { documents, namespace }] as const;
      }),
    ),
  );
}
