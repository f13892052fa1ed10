import { type MongoClient, MongoServerError, type UUID } from 'mongodb';
import { type Clock, delayAfter, UserError } from '../../platform/index.ts';
import { classify } from '../mongodb/failure-policy.ts';
import { readAll } from '../mongodb/raw-cursor.ts';
import type { WriteTarget } from '../mongodb/raw-write.ts';
import type { Retrier } from '../mongodb/retry.ts';
import type { SourceFeatures } from '../mongodb/server-features.ts';
import type { TrackedCollection } from './tracked-collection.ts';

/** The parts of a run that are used here. */
export interface MovedParts {
  readonly source: MongoClient;
  readonly sourceFeatures: SourceFeatures;
  readonly retrier: Retrier;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const NAMESPACE_NOT_FOUND = 26;
const INDEX_NOT_FOUND = 27;

/** The source dropped the collection, and the engine has followed: its workers stop without an error. */
export class CollectionDropped extends Error {}

/**
 * A server of the source does not have the collection, and the engine has not followed a drop. The drop may be known to that server alone and
 * be rolled back, so nothing counts as done because of it. The collection is tried again until it is there or dropped.
 */
export class CollectionMissing extends Error {}

const BETWEEN_LOOKS = { firstMs: 100, longestMs: 5_000 };

/**
 * Runs an idempotent write that is pinned to the collection's UUID, and follows renames that the engine made meanwhile [38].
 * @throws CollectionDropped when the source dropped it and the engine has let go of it
 * @throws UserError NAMESPACE_CONFLICT when somebody else took it away from the destination
 */
export async function onDestination<T>(
  context: MovedParts,
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
 * @throws CollectionDropped when the engine has followed its drop
 * @throws CollectionMissing when the server does not have it, which alone says nothing
 */
export async function onSource<T>(
  context: MovedParts,
  collection: TrackedCollection,
  read: (name: string) => Promise<T>,
): Promise<T> {
  while (true) {
    if (collection.isGone) throw new CollectionDropped(collection.namespace);
    const name = collection.sourceName;
    try {
      const result = await context.retrier.run('the source', async () => {
        const found = await read(name);
        if (!context.sourceFeatures.pinsReads) await refuseOther(context, collection, name);
        return found;
      });
      collection.missing = undefined;
      return result;
    } catch (error) {
      const actual = error instanceof CollectionMissing ? null : movedTo(error);
      if (actual === null) throw missing(context, collection);
      collection.sourceName = actual;
    }
  }
}

/**
 * Resolves when the source has the collection.
 * @throws CollectionDropped when the engine has followed its drop
 */
export async function untilBack(context: MovedParts, collection: TrackedCollection): Promise<void> {
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
 * What makes a read one of exactly this collection. A source that can't do so is read by name, and no drop or rename of the name goes
 * unnoticed (docs/adr/0005-sources-before-6.0.md).
 */
export function pinTo({ sourceFeatures }: MovedParts, { uuid }: TrackedCollection): { readonly collectionUUID?: UUID } {
  return sourceFeatures.pinsReads ? { collectionUUID: uuid } : {};
}

/** Whether the server says that the collection is not in its database any more, or has no such index. */
export function isGone(error: unknown): boolean {
  if (classify(error) === 'moved') return actualCollection(error) === null;
  return error instanceof MongoServerError && (error.code === NAMESPACE_NOT_FOUND || error.code === INDEX_NOT_FOUND);
}

/** Where the collection is now. @throws the error when it says nothing of that */
function movedTo(error: unknown): string | null {
  if (classify(error) !== 'moved') throw error;
  return actualCollection(error);
}

function missing({ clock }: MovedParts, collection: TrackedCollection): Error {
  if (collection.isGone) return new CollectionDropped(collection.namespace);
  collection.missing ??= { sinceMs: clock.now(), elapsedMs: clock.elapsed() };
  return new CollectionMissing(collection.namespace);
}

/**
 * A read by name of a collection that was dropped finds nothing, which must not look as if its documents were deleted. Looked at after the
 * read: a drop that came before it is seen.
 */
async function refuseOther({ source }: MovedParts, collection: TrackedCollection, name: string): Promise<void> {
  const { cursor } = await source.db(collection.sourceDatabase).command({ listCollections: 1, filter: { name } });
  const [entry] = cursor.firstBatch;
  if (entry?.info?.uuid?.toString('hex') !== collection.id) throw new CollectionMissing(collection.namespace);
}

/** Where the server says the collection is now; null when it is not in that database any more. */
function actualCollection(error: unknown): string | null {
  const reply = error instanceof MongoServerError ? error.errorResponse : undefined;
  return (reply?.actualCollection as string | null | undefined) ?? null;
}
