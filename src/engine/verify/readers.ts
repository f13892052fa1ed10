import { onDestination, onSource, pinTo } from '../collections/moved.ts';
import { refuseRepeatedId, refuseRepeatedIds } from '../collections/repeated-ids.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { type DocumentReader, readRange } from '../compare/document-reader.ts';
import { blameFilter } from '../scope/document-filters.ts';
import type { ReadKeysParts } from './read-keys.ts';

/**
 * Returns readers of a collection on the source and on the destination. The source is read at or after everything
 * dispatched, the destination with all writes of the lanes. The source's reader throws RepeatedId.
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
          if (range.after !== undefined) await refuseRepeatedId(parts, collection, range.after, position.time);
          return await onSource(parts, collection, async (name) => {
            const { collectionUUID: uuid } = pinTo(parts, collection);
            const readConcern = { level: 'majority', afterClusterTime: position.time };
            const select = (query: object) => collection.selected(query);
            const from = { database: collection.sourceDatabase, name, uuid, select, isClustered, readConcern };
            const batch = await readRange(source, from, range, limit);
            await refuseRepeatedIds(parts, collection, batch.documents, position.time);
            return batch;
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
