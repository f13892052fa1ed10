import { onDestination, onSource, pinTo } from '../collections/moved.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { type DocumentReader, readRange } from '../compare/document-reader.ts';
import { blameFilter } from '../scope/document-filters.ts';
import type { ReadKeysParts } from './read-keys.ts';

/**
 * Returns readers of a collection on the source and on the destination. The source is read at or after everything
 * dispatched, the destination with all writes of the lanes.
 */
export function readersOf(
  parts: ReadKeysParts,
  collection: TrackedCollection,
): readonly [DocumentReader, DocumentReader] {
  const { source, destination, fence, position } = parts;
  const { isClustered } = collection;
  return [
    {
      read: async (range, limit) => {
        try {
          return await onSource(parts, collection, (name) => {
            const { collectionUUID: uuid } = pinTo(parts, collection);
            const readConcern = { level: 'majority', afterClusterTime: position.time };
            const select = (query: object) => collection.selected(query);
            const from = { database: collection.sourceDatabase, name, uuid, select, isClustered, readConcern };
            return readRange(source, from, range, limit);
          });
        } catch (error) {
          throw blameFilter(collection, error);
        }
      },
    },
    {
      read: (range, limit) =>
        onDestination(parts, collection, ({ database, name, uuid }) => {
          const readConcern = fence.afterOwnWrites;
          return readRange(destination, { database, name, uuid, isClustered, readConcern }, range, limit);
        }),
    },
  ];
}
