import type { Lanes } from '../apply/lanes.ts';
import type { DocumentKey } from '../bson/document-key.ts';
import type { Dispatcher } from '../capture/dispatcher.ts';
import type { OplogKeys } from '../capture/oplog-keys.ts';
import type { Dispatched, Migrated } from '../collections/context.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { unlessAborted } from '../concurrency/unless-aborted.ts';
import type { Pace, Telling } from '../records/context.ts';

/** The parts that handle unstreamed writes. */
interface UnstreamedIntake {
  readonly lanes: Lanes;
  readonly dispatcher: Dispatcher;
  /** Declares a loss of the collections' history. */
  declareUnstreamed(concerned: (collection: TrackedCollection) => boolean): Promise<void>;
  /** Resolves when everything in the lanes and the spool is durable. */
  flush(): Promise<void>;
  /** Notes that keys are applied. @param sequence  the stream batch under which they wait to be compared */
  applied(sequence: number): void;
}

/**
 * Handles writes that the oplog shows and the stream doesn't. Reads documents with known keys again. For a collection
 * with unknown keys, or whose order counts, such a write is a loss of history.
 * @param reading  the context of a run, whose signal aborts when the stream stops
 */
export async function takeUnstreamed(
  reading: Pace & Telling & Migrated & Dispatched,
  writes: OplogKeys,
  intake: UnstreamedIntake,
): Promise<void> {
  const { signal, tracked } = reading;
  // rule: unstreamed-view-changes
  if (writes.changesCatalog) {
    await unlessAborted(intake.dispatcher.compareCatalogs(), signal);
    signal.throwIfAborted();
  }
  const { sequence } = intake.dispatcher;
  const readAnew = new Set<TrackedCollection>();
  for (const collection of tracked.values())
    if (
      writes.isOf(collection) &&
      readAgain(reading, collection, writes.keysOf(collection), { lanes: intake.lanes, sequence })
    )
      readAnew.add(collection);
  await intake.declareUnstreamed((collection) => writes.isOf(collection) && !readAnew.has(collection));
  // The search continues after these writes, so they must be durable before a successor can begin there.
  // rule: flush-found-writes
  await intake.flush();
  signal.throwIfAborted();
  if (readAnew.size > 0) intake.applied(sequence);
}

/** Has the lanes read documents again, if that is enough. @returns whether it is */
function readAgain(
  { counters, seen }: Telling & Dispatched,
  collection: TrackedCollection,
  keys: readonly DocumentKey[] | undefined,
  { lanes, sequence }: { readonly lanes: Lanes; readonly sequence: number },
): boolean {
  // rule: reread-live-only
  if (keys === undefined || collection.isCapped || collection.state !== 'live') return false;
  // rule: reread-unstreamed-writes
  for (const key of keys) lanes.add({ collection, key, state: { kind: 'unknown' }, sequence });
  counters.read += keys.length;
  if (collection.filter === null) seen.note(collection.namespace, keys.length);
  return true;
}
