import type { TrackedCollection } from '../collections/tracked-collection.ts';
import type { ChangeEvent, DocumentChange } from './change-event.ts';

/** How changes of the source's catalog are dealt with: followed, or refused where the source does not show them all. */
export interface SourceCatalog {
  /** Brings the whole of the destination's catalog in step: when a run begins to follow, and after each break of the stream. */
  start(): Promise<void>;
  /** The collection whose document changed; undefined for one that is not migrated, or no longer. */
  collectionOf(event: DocumentChange): Promise<TrackedCollection | undefined>;
  /** Takes note of an event that is no change of a document. */
  changed(event: ChangeEvent): void;
  /** To be called after a batch's last event: acts on what was noted. */
  settle(): Promise<void>;
  /** Works beside the stream until the run ends. */
  watch(): Promise<void>;
  /** See RunningStream. */
  confirm(): Promise<void>;
}
