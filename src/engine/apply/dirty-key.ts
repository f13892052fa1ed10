import type { DocumentKey } from '../bson/document-key.ts';
import { BSON_TYPE } from '../bson/elements.ts';
import type { TrackedCollection } from '../catalog/tracked-collection.ts';

/** What is known of a key's current state without asking the source. */
export type KnownState =
  | { readonly kind: 'inserted' | 'replaced'; readonly document: Buffer }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'unknown' };

/** A key whose state must be carried over again. */
export interface DirtyKey {
  readonly collection: TrackedCollection;
  readonly key: DocumentKey;
  readonly state: KnownState;
  /** The stream batch that brought it; Infinity when it does not hold back the checkpoint. */
  readonly sequence: number;
}

/** The later of two notes about one key wins; the checkpoint waits for the earlier. */
export function coalesce(earlier: DirtyKey, later: DirtyKey): DirtyKey {
  // An insert after anything else may find a document on the destination, so it is no plain insert any more.
  const state: KnownState = later.state.kind === 'inserted' ? { ...later.state, kind: 'replaced' } : later.state;
  return { ...later, state, sequence: Math.min(earlier.sequence, later.sequence) };
}

/** Types of keys that no key with other bytes equals, as numbers and what contains numbers can [28]. */
const EXACT_TYPES: ReadonlySet<number> = new Set([
  BSON_TYPE.string,
  BSON_TYPE.binary,
  BSON_TYPE.objectId,
  BSON_TYPE.boolean,
  BSON_TYPE.date,
]);

/**
 * Whether a delete may be carried over without looking at the source. Where equal keys can have different bytes it may not: keys are
 * coalesced by bytes, so the delete of one can come to stand after the insert of its equal.
 */
export function mayDeleteUnseen(collection: TrackedCollection, key: DocumentKey): boolean {
  return EXACT_TYPES.has(key.value.type) && !collection.hasCollation;
}
