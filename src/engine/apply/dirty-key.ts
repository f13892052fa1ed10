import type { DocumentKey } from '../bson/document-key.ts';
import { BSON_TYPE } from '../bson/elements.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';

/**
 * A key's current state as far as known without asking the source. `reinserted`: the document was deleted and may exist
 * again; this differs from `unknown` only where the order counts.
 */
export type KnownState =
  | { readonly kind: 'inserted' | 'replaced'; readonly document: Buffer }
  | { readonly kind: 'deleted' | 'reinserted' | 'unknown' };

export const UNKNOWN: KnownState = { kind: 'unknown' };

/** A key whose state must be applied again. */
export interface DirtyKey {
  readonly collection: TrackedCollection;
  readonly key: DocumentKey;
  readonly state: KnownState;
  /** The stream batch that contained the change; Infinity when it doesn't hold back the checkpoint. */
  readonly sequence: number;
  /** The marks on its record if its document made room for others: one of each lane that displaced it since it was applied. */
  readonly displacedBy?: readonly string[];
}

/** Returns a key that has to be fetched, without holding back the checkpoint. */
export function unknownKey(collection: TrackedCollection, key: DocumentKey): DirtyKey {
  return { collection, key, state: UNKNOWN, sequence: Number.POSITIVE_INFINITY };
}

/** Joins two notes about one key: the later state wins, and the checkpoint waits for the earlier one. */
export function coalesce(earlier: DirtyKey, later: DirtyKey): DirtyKey {
  // rule: insert-becomes-replace
  const state = later.collection.isCapped ? latestInOrder(earlier.state, later.state) : latest(later.state);
  // rule: mark-survives-key-change
  const displacedBy = [...(earlier.displacedBy ?? []), ...(later.displacedBy ?? [])];
  return { ...earlier, ...later, displacedBy, state, sequence: Math.min(earlier.sequence, later.sequence) };
}

function latest(later: KnownState): KnownState {
  // After any other change the destination may already have the document, so this isn't a plain insert any more.
  return later.kind === 'inserted' ? { ...later, kind: 'replaced' } : later;
}

/** Joins two states of one key in a capped collection: a document that was deleted in between isn't the earlier one. */
export function latestInOrder(earlier: KnownState, later: KnownState): KnownState {
  if (later.kind === 'deleted') return later;
  return leftItsPlace(earlier.kind) || later.kind === 'inserted' ? { kind: 'reinserted' } : later;
}

/** Whether the document is written as the stream shows it, without reading it again. */
export function hasKnownDocument({ collection, key, state }: DirtyKey): boolean {
  return 'document' in state && isCertain(collection, key);
}

/** Whether the document was deleted at some time. If it exists, it is in another place than before. */
export function leftItsPlace(kind: KnownState['kind']): kind is 'deleted' | 'reinserted' {
  return kind === 'deleted' || kind === 'reinserted';
}

/** Whether the key of a capped collection moves behind all earlier changes, as the document did. */
export function takesLastPlace({ kind }: KnownState): boolean {
  return leftItsPlace(kind) || kind === 'inserted';
}

/**
 * Types of keys that a collation can make equal despite different bytes: texts, and values that contain texts
 * (docs/reference/pitfalls.md#pitfall-29).
 */
const COLLATED_TYPES: ReadonlySet<number> = new Set([
  BSON_TYPE.string,
  BSON_TYPE.symbol,
  BSON_TYPE.document,
  BSON_TYPE.array,
  BSON_TYPE.codeWithScope,
]);

/**
 * Whether the key's identity decides which other keys the server treats as equal. Only then is the document in an event
 * used. Otherwise two equal keys could be in different lanes, and the older state could be written last.
 */
export function isCertain({ hasCollation }: Pick<TrackedCollection, 'hasCollation'>, { value }: DocumentKey): boolean {
  // rule: collated-keys-read-source
  return !hasCollation || !COLLATED_TYPES.has(value.type);
}
