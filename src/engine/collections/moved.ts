import { MongoServerError, type UUID } from 'mongodb';
import { delayAfter, UserError } from '../../platform/index.ts';
import { classify } from '../mongodb/failure-policy.ts';
import { readAll } from '../mongodb/raw-cursor.ts';
import type { WriteTarget } from '../mongodb/raw-write.ts';
import { REPLY_OPTIONS } from '../mongodb/reply-options.ts';
import type { Clusters, Pace } from '../records/context.ts';
import type { TrackedCollection } from './tracked-collection.ts';

const NAMESPACE_NOT_FOUND = 26;
const INDEX_NOT_FOUND = 27;

/** The source dropped this collection, and so did the engine: its workers stop without an error. */
export class CollectionDropped extends Error {}

/**
 * A server of the source does not have the collection, and the change stream has not shown a drop. Perhaps only this server knows of the drop,
 * and it may be rolled back, so nothing counts as done because of it. Workers retry until the collection is back or dropped.
 */
export class CollectionMissing extends Error {}

const BETWEEN_LOOKS = { firstMs: 100, longestMs: 5_000 };

/**
 * Runs an idempotent write that is pinned to the collection's UUID, and repeats it under the new name when the engine renamed the collection
 * meanwhile (docs/reference/pitfalls.md#pitfall-38).
 * @throws CollectionDropped when the source and the engine have dropped the collection
 * @throws UserError NAMESPACE_CONFLICT when another client dropped it on the destination
 */
export async function onDestination<T>(
  context: Pace,
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
      // The server has renamed it, and the engine's own rename has not yet changed the name here.
      collection.destinationName = actual;
    }
  }
}

/**
 * Runs an idempotent read that is pinned to the collection's UUID, and follows renames on the source. The source may be ahead of the
 * change stream.
 * @throws CollectionDropped when the engine has followed its drop
 * @throws CollectionMissing when the server does not have it, which alone proves no drop
 */
export async function onSource<T>(
  context: Clusters & Pace,
  collection: TrackedCollection,
  read: (name: string) => Promise<T>,
): Promise<T> {
  while (true) {
    if (collection.isGone) throw new CollectionDropped(collection.namespace);
    const name = collection.sourceName;
    try {
      const result = await context.retrier.run('the source', async () => {
        const found = await read(name);
        // rule: check-collection-after-read
        if (!context.sourceFeatures.pinsReads) await refuseOther(context, collection, name);
        return found;
      });
      collection.missing = undefined;
      return result;
    } catch (error) {
      const actual = error instanceof CollectionMissing ? null : movedTo(error);
      // rule: missing-waits-for-stream
      if (actual === null) throw missing(context, collection);
      collection.sourceName = actual;
    }
  }
}

/**
 * Resolves when the source has the collection.
 * @throws CollectionDropped when the engine has followed its drop
 */
export async function untilBack(context: Clusters & Pace, collection: TrackedCollection): Promise<void> {
  const { clock, signal, source } = context;
  const over = AbortSignal.any([signal, collection.dropped.signal]);
  for (let looks = 1; ; looks += 1) {
    await clock.sleep(delayAfter(looks, BETWEEN_LOOKS), over);
    signal.throwIfAborted();
    try {
      await onSource(context, collection, async (name) => {
        const probe = { find: name, limit: 1, projection: { _id: 1 }, ...pinTo(context, collection) };
        await readAll(source, collection.sourceDatabase, { ...probe, readConcern: { level: 'majority' } });
      });
      return;
    } catch (error) {
      if (!(error instanceof CollectionMissing)) throw error;
    }
  }
}

/**
 * Returns the command fields that pin a read to exactly this collection. A source before 6.0 has no such fields: the engine reads it by
 * name and detects each drop and rename (docs/adr/0005-sources-before-6.0.md).
 */
export function pinTo({ sourceFeatures }: Clusters, { uuid }: TrackedCollection): { readonly collectionUUID?: UUID } {
  // rule: reads-by-uuid
  return sourceFeatures.pinsReads ? { collectionUUID: uuid } : {};
}

/** Whether the error says that the collection is no longer in its database, or has no such index. */
export function isGone(error: unknown): boolean {
  if (classify(error) === 'moved') return actualCollection(error) === null;
  return error instanceof MongoServerError && (error.code === NAMESPACE_NOT_FOUND || error.code === INDEX_NOT_FOUND);
}

/** Returns the collection's current name, or null when it is gone. @throws the given error when it is about something else */
function movedTo(error: unknown): string | null {
  if (classify(error) !== 'moved') throw error;
  return actualCollection(error);
}

function missing({ clock }: Pace, collection: TrackedCollection): Error {
  if (collection.isGone) return new CollectionDropped(collection.namespace);
  collection.missing ??= { sinceMs: clock.now(), elapsedMs: clock.elapsed() };
  return new CollectionMissing(collection.namespace);
}

/**
 * Throws `CollectionMissing` when the name no longer belongs to this collection. A read by name of a dropped collection finds nothing, which
 * must not look like deleted documents. Must run after the read, to detect a drop that came before the read.
 */
async function refuseOther({ source }: Clusters, collection: TrackedCollection, name: string): Promise<void> {
  const list = { listCollections: 1, filter: { name } };
  const { cursor } = await source.db(collection.sourceDatabase).command(list, REPLY_OPTIONS);
  const [entry] = cursor.firstBatch;
  if (entry?.info?.uuid?.toString('hex') !== collection.id) throw new CollectionMissing(collection.namespace);
}

/** Returns the collection's current name from the server's reply; null when it is no longer in that database. */
function actualCollection(error: unknown): string | null {
  const reply = error instanceof MongoServerError ? error.errorResponse : undefined;
  return (reply?.actualCollection as string | null | undefined) ?? null;
}
