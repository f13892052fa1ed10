import type { TrackedCollection } from '../collections/tracked-collection.ts';
import type { ReadOrder } from '../records/records.ts';
import type { CollectionRate, CollectionRates } from './collection-rates.ts';

/**
 * How far the migration of one collection is, in the order in which it goes through the first five. `waiting`: its copy
 * has not begun. `copying`, `indexing`. `catching up`: it applies the changes of the copy's time. `done`: it is copied
 * and indexed, and follows every change. `suspect`: it was done, changes may have been missed, and both sides are
 * compared. `set aside`: it waits for the reason that its progress names, and all others continue.
 */
type CollectionProgressState = 'waiting' | 'copying' | 'indexing' | 'catching up' | 'done' | 'suspect' | 'set aside';

/** The progress of one collection. */
export interface CollectionProgress extends CollectionRate {
  /** Its UUID on the source, in hexadecimal. */
  readonly id: string;
  /** Its name on the source. */
  readonly namespace: string;
  readonly state: CollectionProgressState;
  /** Why it does not advance, or is compared; null while it advances, or is done. */
  readonly reason: string | null;
  readonly documentsCopied: number;
  /** The source's statistics, raised when exceeded; null before they are read. */
  readonly documentsTotal: number | null;
  readonly bytesCopied: number;
  readonly bytesTotal: number | null;
  /** In which order the copy reads it, and why; null until its copy is planned. */
  readonly readOrder: ReadOrder | null;
}

/** Messages that quote a document may be long, and every collection may have one. */
const LONGEST_REASON = 500;
const MISSING = "The source's primary does not have it, and its change stream has shown no drop.";
const MISSED = 'Changes of it may have been missed. Both sides are compared.';

/** The fields of a run that the progress of collections is read from. */
export interface CollectionsView {
  readonly context: { readonly tracked: Map<string, TrackedCollection> };
  /** Whether the records are loaded: before that, nothing is known. */
  readonly loaded: boolean;
  readonly collectionRates: Pick<CollectionRates, 'of'>;
}

/** Returns the progress of all collections; undefined until the records are loaded. */
export function collectionProgress({
  context,
  loaded,
  collectionRates,
}: CollectionsView): readonly CollectionProgress[] | undefined {
  if (!loaded) return undefined;
  return [...context.tracked.values()]
    .filter(({ isGone }) => !isGone)
    .map((collection) => progressOf(collection, collectionRates.of(collection)));
}

function progressOf(collection: TrackedCollection, rate: CollectionRate): CollectionProgress {
  const { id, namespace, copied, documents, bytes, isBegun, readOrder } = collection;
  // The statistics are read before the first copy begins. A collection without any may be empty, or not be measured yet.
  const isMeasured = isBegun || documents > 0 || bytes > 0;
  return {
    id,
    namespace,
    state: stateOf(collection),
    reason: reasonOf(collection)?.slice(0, LONGEST_REASON) ?? null,
    documentsCopied: copied.documents,
    documentsTotal: isMeasured ? Math.max(documents, copied.documents) : null,
    bytesCopied: copied.bytes,
    bytesTotal: isMeasured ? Math.max(bytes, copied.bytes) : null,
    readOrder,
    ...rate,
  };
}

function stateOf({ state, stuck, missing, indexesStuck, suspicion }: TrackedCollection): CollectionProgress['state'] {
  if (stuck !== undefined || missing !== undefined) return 'set aside';
  switch (state) {
    case 'copying':
    case 'indexing':
      return state;
    case 'draining':
    // An engine that resumes a collection drains its spool again.
    case 'set aside':
      return 'catching up';
    case 'live':
      if (indexesStuck !== undefined) return 'indexing';
      return suspicion === null ? 'done' : 'suspect';
    default:
      return 'waiting';
  }
}

function reasonOf({ stuck, missing, indexesStuck, state, suspicion }: TrackedCollection): string | undefined {
  const refusal = stuck ?? indexesStuck;
  if (refusal !== undefined) return refusal.error.message;
  if (missing !== undefined) return MISSING;
  return state === 'live' && suspicion !== null ? MISSED : undefined;
}
