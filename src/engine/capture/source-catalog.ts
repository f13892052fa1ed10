import type { TrackedCollection } from '../collections/tracked-collection.ts';
import type { ChangeEvent, DocumentChange } from './change-event.ts';

/**
 * Brings the destination's catalog in sync with the source's.
 * @param databases  those to compare, by their names on the source
 * @param reindexed  whether the indexes of a collection may have changed. They cost a listing on each side
 */
export type BringInStep = (
  databases: ReadonlySet<string>,
  reindexed: (collection: TrackedCollection) => boolean,
) => Promise<void>;

/**
 * How the engine handles changes of the source's catalog: it follows them, or refuses them when the source doesn't show
 * them all.
 */
export interface SourceCatalog {
  /**
   * Brings the destination's whole catalog in sync, when a run begins to follow, and after each failure of the stream.
   */
  start(): Promise<void>;
  /** Returns the collection of a changed document; undefined when it isn't selected, or no longer exists. */
  collectionOf(event: DocumentChange): Promise<TrackedCollection | undefined>;
  /** Notes an event that isn't a change of a document. */
  changed(event: ChangeEvent): void;
  /** Handles the noted events. Must be called after a batch's last event. */
  settle(): Promise<void>;
  /** Works beside the stream until the run ends. */
  watch(): Promise<void>;
  /** See RunningStream. */
  confirm(): Promise<void>;
}
