import { dateOf, type Wait } from '../../contract/index.ts';
import { UserError } from '../../platform/index.ts';
import { type DocumentKey, describeKey } from '../bson/document-key.ts';
import type { TrackedCollection } from './tracked-collection.ts';

/**
 * Documents that only the destination has, although no change of the source explains it. Where the destination was a
 * source before, they may be the last copies, so a comparison doesn't delete them until an operator confirms that.
 * A run finds them again by its comparisons, so they have no record of their own.
 */
export class UnconfirmedDeletes {
  readonly #held = new Map<TrackedCollection, Map<string, DocumentKey>>();
  #sinceMs = 0;

  /** @param nowMs  wall clock */
  hold(collection: TrackedCollection, key: DocumentKey, nowMs: number): void {
    if (this.#held.size === 0) this.#sinceMs = nowMs;
    const held = this.#held.get(collection) ?? new Map<string, DocumentKey>();
    this.#held.set(collection, held.set(key.identity, key));
  }

  /** Takes a key out: both sides have the same for it. */
  release(collection: TrackedCollection, { identity }: DocumentKey): void {
    const held = this.#held.get(collection);
    if (held?.delete(identity) && held.size === 0) this.#held.delete(collection);
  }

  /** Takes out all keys of a collection, which is compared anew. */
  releaseAll(collection: TrackedCollection): void {
    this.#held.delete(collection);
  }

  /** The wait for a confirmation; undefined while nothing is held. */
  get wait(): Wait | undefined {
    const held = [...this.#held].filter(([{ isGone }]) => !isGone);
    const [first] = held;
    const [key] = first?.[1].values() ?? [];
    if (first === undefined || key === undefined) return undefined;
    const documents = held.reduce((sum, [, keys]) => sum + keys.size, 0);
    const { message } = new UserError('DELETES_UNCONFIRMED', [String(documents), first[0].namespace, describeKey(key)]);
    return { for: 'a confirmation of drops', since: dateOf(this.#sinceMs), reason: message };
  }
}
