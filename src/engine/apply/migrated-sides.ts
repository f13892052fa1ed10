import type { MongoClient, Timestamp } from 'mongodb';
import { type MovedParts, onDestination, onSource, pinTo } from '../collections/moved.ts';
import { refuseRepeatedId, refuseRepeatedIds } from '../collections/repeated-ids.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import type { BothSides, CollectionSide } from '../compare/collection-side.ts';
import { readRange } from '../compare/document-reader.ts';
import { readKeys } from '../compare/read-keys.ts';
import { operationTimeOf } from '../mongodb/cluster-time.ts';
import type { Fence } from '../mongodb/fence.ts';
import { RawCursor } from '../mongodb/raw-cursor.ts';
import { blameFilter } from '../scope/document-filters.ts';
import type { StreamPosition } from './stream-position.ts';

/** The parts of a run that reading the source needs. */
export interface SourceSideParts extends MovedParts {
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
export function sidesOf(parts: SidesParts, collection: TrackedCollection): BothSides<Timestamp> {
  return { source: sourceOf(parts, collection), destination: destinationOf(parts, collection) };
}

/**
 * Returns the source's side of a migrated collection. It is read at or after everything dispatched, and fails with
 * CollectionDropped, CollectionMissing and, for a range, RepeatedId.
 */
export function sourceOf(parts: SourceSideParts, collection: TrackedCollection): CollectionSide<Timestamp> {
  const { source, position } = parts;
  const { isClustered, sourceDatabase: database } = collection;
  const readFrom = (name: string) => ({
    database,
    name,
    uuid: pinTo(parts, collection).collectionUUID,
    select: (query: object) => collection.selected(query),
    isClustered,
    readConcern: { level: 'majority', afterClusterTime: position.time },
  });
  return {
    read: async (range, limit) => {
      try {
        if (range.after !== undefined) await refuseRepeatedId(parts, collection, range.after, position.time);
        return await onSource(parts, collection, async (name) => {
          const batch = await readRange(source, readFrom(name), range, limit);
          await refuseRepeatedIds(parts, collection, batch.documents, position.time);
          return batch;
        });
      } catch (error) {
        throw blameFilter(collection, error);
      }
    },
    readKeys: (keys, take, projection = {}) =>
      onSource(parts, collection, async (name) => {
        const read = await readKeys(source, { ...readFrom(name), projection }, keys, take);
        return { ...read, time: operationTimeOf({ operationTime: read.time }, 'source') };
      }),
    find: (fields) =>
      onSource(parts, collection, (name) => {
        const { readConcern } = readFrom(name);
        const find = { find: name, ...fields, ...pinTo(parts, collection), readConcern };
        return RawCursor.open(source, database, find);
      }),
  };
}

function destinationOf(parts: SidesParts, collection: TrackedCollection): CollectionSide<Timestamp> {
  const { destination, fence } = parts;
  const { isClustered } = collection;
  return {
    read: (range, limit) =>
      onDestination(parts, collection, ({ database, name, uuid }) =>
        readRange(destination, { database, name, uuid, isClustered, readConcern: fence.afterOwnWrites }, range, limit),
      ),
    readKeys: (keys, take, projection = {}) =>
      onDestination(parts, collection, async ({ database, name, uuid }) => {
        const from = { database, name, uuid, isClustered, readConcern: fence.afterOwnWrites, projection };
        const read = await readKeys(destination, from, keys, take);
        return { ...read, time: operationTimeOf({ operationTime: read.time }, 'destination') };
      }),
    find: (fields) =>
      onDestination(parts, collection, ({ database, name, uuid: collectionUUID }) =>
        RawCursor.open(destination, database, {
          find: name,
          ...fields,
          collectionUUID,
          readConcern: fence.afterOwnWrites,
        }),
      ),
  };
}
