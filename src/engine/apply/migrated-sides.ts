import type { Dispatched } from '../collections/context.ts';
import { onDestination, onSource, pinTo } from '../collections/moved.ts';
import { refuseRepeatedId, refuseRepeatedIds } from '../collections/repeated-ids.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { type BothSides, type CollectionSide, collectionSide } from '../compare/collection-side.ts';
import type { Clusters, Pace } from '../records/context.ts';
import { blameFilter } from '../scope/document-filters.ts';

/**
 * Returns the sides of a migrated collection. The destination is read with all writes of the lanes, whichever member
 * answers, and fails with CollectionDropped.
 */
export function sidesOf(context: Clusters & Pace & Dispatched, collection: TrackedCollection): BothSides {
  const { destination, fence } = context;
  const { isClustered } = collection;
  return {
    source: sourceOf(context, collection),
    destination: collectionSide(destination, {
      run: (read) =>
        onDestination(context, collection, (target) =>
          read({ ...target, isClustered, readConcern: fence.afterOwnWrites }),
        ),
    }),
  };
}

/**
 * Returns the source's side of a migrated collection. It is read at or after everything dispatched, and fails with
 * CollectionDropped, CollectionMissing and, for a range, RepeatedId.
 */
export function sourceOf(context: Clusters & Pace & Dispatched, collection: TrackedCollection): CollectionSide {
  const { source, position } = context;
  const { isClustered, sourceDatabase: database } = collection;
  const select = (query: object) => collection.selected(query);
  return collectionSide(source, {
    run: async (read) => {
      try {
        return await onSource(context, collection, (name) => {
          const { collectionUUID: uuid } = pinTo(context, collection);
          const readConcern = { level: 'majority', afterClusterTime: position.time };
          return read({ database, name, uuid, select, isClustered, readConcern });
        });
      } catch (error) {
        throw blameFilter(collection, error);
      }
    },
    checkRange: async ({ after }, { documents }) => {
      // The second document of the key is not after it.
      if (after !== undefined) await refuseRepeatedId(context, collection, after, position.time);
      await refuseRepeatedIds(context, collection, documents, position.time);
    },
  });
}
