import type { DocumentKey } from '../bson/document-key.ts';
import { BSON_TYPE } from '../bson/elements.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';

/**
 * What is known of a key's current state without asking the source. `reinserted`: it was gone, and may be there again; only where the order
 * counts is that another thing than `unknown`.
 */
export type KnownState =
  | { readonly kind: 'inserted' | 'replaced'; readonly document: Buffer }
  | { readonly kind: 'deleted' | 'reinserted' | 'unknown' };

export const UNKNOWN: KnownState = { kind: 'unknown' };

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
  const state = later.collection.isCapped ? latestInOrder(earlier.state, later.state) : latest(later.state);
  return { ...later, state, sequence: Math.min(earlier.sequence, later.sequence) };
}

function latest(later: KnownState): KnownState {
  // An insert after anything else may find a document on the destination, so it is no plain insert any more.
  return later.kind === 'inserted' ? { ...later, kind: 'replaced' } : later;
}

/** Joins two notes about one key of a capped collection: a document that was gone in between is not the one that was there. */
export function latestInOrder(earlier: KnownState, later: KnownState): KnownState {
  if (later.kind === 'deleted') return later;
  return leftItsPlace(earlier.kind) || later.kind === 'inserted' ? { kind: 'reinserted' } : later;
}

/** Whether the document was gone at some time: if it is there, then at another place than before. */
export function leftItsPlace(kind: KnownState['kind']): kind is 'deleted' | 'reinserted' {
  return kind === 'deleted' || kind === 'reinserted';
}

/** Whether the key of a capped collection goes behind all that changed before: that is where the document is now. */
export function takesLastPlace({ kind }: KnownState): boolean {
  return leftItsPlace(kind) || kind === 'inserted';
}

/** Types of keys in which a collation can make other bytes equal: texts, and what contains texts [29]. */
const COLLATED_TYPES: ReadonlySet<number> = new Set([
  BSON_TYPE.string,
  BSON_TYPE.symbol,
  BSON_TYPE.document,
  BSON_TYPE.array,
  BSON_TYPE.codeWithScope,
]);

/**
 * Whether the key's identity says which others the server takes for the same one. Only then is an event's word about it used: of two keys
 * that are one to the server, and two to a lane, the older state could be written last.
 */
export function isCertain({ hasCollation }: Pick<TrackedCollection, 'hasCollation'>, { value }: DocumentKey): boolean {
  return !hasCollation || !COLLATED_TYPES.has(value.type);
}
