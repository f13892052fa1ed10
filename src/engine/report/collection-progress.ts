import type { CollectionProgress } from '../../contract/index.ts';
import type { Migrated } from '../collections/context.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import type { CollectionRate, CollectionRates } from './collection-rates.ts';

/** Messages that quote a document may be long, and every collection may have one. */
const LONGEST_REASON = 500;
const MISSING = "The source's primary does not have it, and its change stream has shown no drop.";
const MISSED = 'Changes of it may have been missed. Both sides are compared.';

/** The fields of a run that the progress of collections is read from. */
export interface CollectionsView {
  readonly context: Migrated;
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
  const { id, namespace, copied, documents, bytes, total, isBegun, readOrder } = collection;
  // The statistics are read before the first copy begins. A collection without any may be empty, or not be measured yet.
  const isMeasured = isBegun || documents > 0 || bytes > 0;
  return {
    id,
    namespace,
    state: stateOf(collection),
    reason: reasonOf(collection)?.slice(0, LONGEST_REASON) ?? null,
    documentsCopied: copied.documents,
    documentsTotal: isMeasured ? total.documents : null,
    bytesCopied: copied.bytes,
    bytesTotal: isMeasured ? total.bytes : null,
    readOrder,
    ...rate,
  };
}

function stateOf({ state, stuck, missing, indexesStuck, suspicion }: TrackedCollection): CollectionProgress['state'] {
  if (stuck !== undefined || missing !== undefined) return 'QUARANTINED';
  switch (state) {
    case 'copying':
      return 'COPYING';
    case 'indexing':
      return 'INDEXING';
    case 'draining':
    // An engine that resumes a collection drains its spool again.
    case 'quarantined':
      return 'CATCHING_UP';
    case 'live':
      if (indexesStuck !== undefined) return 'INDEXING';
      return suspicion === null ? 'DONE' : 'SUSPECT';
    default:
      return 'WAITING';
  }
}

function reasonOf({ stuck, missing, indexesStuck, state, suspicion }: TrackedCollection): string | undefined {
  const refusal = stuck ?? indexesStuck;
  if (refusal !== undefined) return refusal.error.message;
  if (missing !== undefined) return MISSING;
  return state === 'live' && suspicion !== null ? MISSED : undefined;
}
