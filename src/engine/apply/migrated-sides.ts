import type { MongoClient } from 'mongodb';
import { type MovedParts, onDestination, onSource, pinTo } from '../collections/moved.ts';
import { refuseRepeatedId, refuseRepeatedIds } from '../collections/repeated-ids.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { type BothSides, type CollectionSide, collectionSide } from '../compare/collection-side.ts';
import type { Fence } from '../mongodb/fence.ts';
import { blameFilter } from '../scope/document-filters.ts';
import type { StreamPosition } from './stream-position.ts';

/** The parts of a run that reading the source needs. */
interface SourceSideParts extends MovedParts {
  readonly position: StreamPosition;
}

/** The parts of a run that reading both sides needs. */
export interface SidesParts extends SourceSideParts {
  readonly destination: MongoClient;
  readonly fence: Fence;
}

/**
 * Returns the sides of a migrated collection. The destination is read with all writes of the lanes, whichever member
 * answers, and fails with CollectionDropped.
 */
export function sidesOf(parts: SidesParts, collection: TrackedCollection): BothSides {
  const { destination, fence } = parts;
  const { isClustered } = collection;
  return {
    source: sourceOf(parts, collection),
    destination: collectionSide(destination, {
      run: (read) =>
        onDestination(parts, collection, (target) =>
          read({ ...target, isClustered, readConcern: fence.afterOwnWrites }),
        ),
    }),
  };
}

/**
 * Returns the source's side of a migrated collection. It is read at or after everything dispatched, and fails with
 * CollectionDropped, CollectionMissing and, for a range, RepeatedId.
 */
export function sourceOf(parts: SourceSideParts, collection: TrackedCollection): CollectionSide {
  const { source, position } = parts;
  const { isClustered, sourceDatabase: database } = collection;
  const select = (query: object) => collection.selected(query);
  return collectionSide(source, {
    run: async (read) => {
      try {
        return await onSource(parts, collection, (name) => {
          const { collectionUUID: uuid } = pinTo(parts, collection);
          const readConcern = { level: 'majority', afterClusterTime: position.time };
          return read({ database, name, uuid, select, isClustered, readConcern });
        });
      } catch (error) {
        throw blameFilter(collection, error);
      }
    },
    checkRange: async ({ after }, { documents }) => {
      // The second document of the key is not after it.
      if (after !== undefined) await refuseRepeatedId(parts, collection, after, position.time);
      await refuseRepeatedIds(parts, collection, documents, position.time);
    },
  });
}
