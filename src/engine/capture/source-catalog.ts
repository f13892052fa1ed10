import type { TrackedCollection } from '../catalog/tracked-collection.ts';
import type { CatalogRecord } from '../checkpoint/records.ts';
import type { EngineContext } from '../lifecycle/context.ts';
import type { ChangeEvent, DocumentChange } from './change-event.ts';
import { FixedCatalog } from './fixed-catalog.ts';
import { FollowedCatalog } from './followed-catalog.ts';

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

/**
 * @param recorded     what the catalog was when the migration began, where it has to stay so
 * @param bringInStep  brings the destination's catalog in step for these databases
 */
export function sourceCatalog(
  context: EngineContext,
  recorded: CatalogRecord | undefined,
  bringInStep: (databases: ReadonlySet<string>) => Promise<void>,
): SourceCatalog {
  // A migration that read by name goes on so when its source is upgraded meanwhile: what it read rests on the catalog that stands still.
  return context.sourceFeatures.showsCatalogChanges && recorded === undefined
    ? new FollowedCatalog(context, bringInStep)
    : new FixedCatalog(context, recorded, bringInStep);
}
