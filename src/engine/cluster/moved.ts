import { MongoServerError, type UUID } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import type { TrackedCollection } from '../catalog/tracked-collection.ts';
import type { EngineContext } from '../lifecycle/context.ts';
import { classify } from './failure-policy.ts';
import type { WriteTarget } from './raw-write.ts';

const NAMESPACE_NOT_FOUND = 26;
const INDEX_NOT_FOUND = 27;

/** Thrown in place of the server's word that a collection is gone from the source: whoever works on it ends quietly. */
export class CollectionDropped extends Error {}

/**
 * Runs an idempotent write that is pinned to the collection's UUID, and follows renames that the engine made meanwhile [38].
 * @throws CollectionDropped when the source dropped it and the engine has let go of it
 * @throws UserError NAMESPACE_CONFLICT when somebody else took it away from the destination
 */
export async function onDestination<T>(
  context: EngineContext,
  collection: TrackedCollection,
  write: (target: WriteTarget) => Promise<T>,
): Promise<T> {
  while (true) {
    if (collection.isGone) throw new CollectionDropped(collection.namespace);
    const target = collection.target;
    try {
      return await context.retrier.run('the destination', () => write(target));
    } catch (error) {
      if (classify(error) !== 'moved') throw error;
      if (collection.isGone) throw new CollectionDropped(collection.namespace);
      if (collection.destinationName !== target.name) continue;
      const actual = actualCollection(error);
      if (actual === null) {
        const namespace = `${target.database}.${target.name}`;
        throw new UserError('NAMESPACE_CONFLICT', [namespace, 'it was dropped on the destination, not by Linkspan']);
      }
      // Renamed a moment ago, and not yet noted by the one who does it.
      collection.destinationName = actual;
    }
  }
}

/**
 * Runs an idempotent read that is pinned to the collection's UUID, and follows renames on the source, which may be ahead of the
 * stream.
 * @throws CollectionDropped when the source no longer has it
 */
export async function onSource<T>(
  context: EngineContext,
  collection: TrackedCollection,
  read: (name: string) => Promise<T>,
): Promise<T> {
  while (true) {
    if (collection.isGone) throw new CollectionDropped(collection.namespace);
    const name = collection.sourceName;
    try {
      return await context.retrier.run('the source', () => read(name));
    } catch (error) {
      if (classify(error) !== 'moved') throw error;
      const actual = actualCollection(error);
      if (actual === null) throw new CollectionDropped(collection.namespace);
      collection.sourceName = actual;
    }
  }
}

/**
 * What makes a read one of exactly this collection. A source that can't do so is read by name, and no drop or rename of the name goes
 * unnoticed (docs/adr/0005-sources-before-6.0.md).
 */
export function pinTo(
  { sourceFeatures }: EngineContext,
  { uuid }: TrackedCollection,
): { readonly collectionUUID?: UUID } {
  return sourceFeatures.pinsReads ? { collectionUUID: uuid } : {};
}

/** Whether the server says that the collection is not in its database any more, or has no such index. */
export function isGone(error: unknown): boolean {
  if (classify(error) === 'moved') return actualCollection(error) === null;
  return error instanceof MongoServerError && (error.code === NAMESPACE_NOT_FOUND || error.code === INDEX_NOT_FOUND);
}

/** Where the server says the collection is now; null when it is not in that database any more. */
function actualCollection(error: unknown): string | null {
  const reply = error instanceof MongoServerError ? error.errorResponse : undefined;
  return (reply?.actualCollection as string | null | undefined) ?? null;
}
