import type { SeenChanges } from '../apply/seen-changes.ts';
import { databasesOf, type ReconcileParts } from '../collections/reconcile.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { type ChangeEvent, concerns, type DocumentChange } from './change-event.ts';
import type { SourceCatalog } from './source-catalog.ts';

/** The parts of a run that a followed catalog needs. */
interface FollowedCatalogParts extends ReconcileParts {
  readonly seen: SeenChanges;
}

/**
 * Collections that were dropped before their changes arrived. The engine remembers them, to look for each only once.
 */
const GONE_REMEMBERED = 10_000;

/**
 * A catalog whose stream shows every change. The destination's catalog is kept in sync with it. Collections are
 * identified by UUID.
 */
export class FollowedCatalog implements SourceCatalog {
  readonly #context: FollowedCatalogParts;
  readonly #bringInStep: (databases: ReadonlySet<string>) => Promise<void>;
  readonly #changed = new Set<string>();
  readonly #gone = new Set<string>();

  constructor(context: FollowedCatalogParts, bringInStep: (databases: ReadonlySet<string>) => Promise<void>) {
    this.#context = context;
    this.#bringInStep = bringInStep;
  }

  async start(): Promise<void> {
    this.#gone.clear();
    await this.#bringInStep(await databasesOf(this.#context));
  }

  async collectionOf({ collectionId = '', database }: DocumentChange): Promise<TrackedCollection | undefined> {
    const known = this.#context.tracked.get(collectionId);
    if (known !== undefined || this.#gone.has(collectionId)) return known;
    // The collection was created after the last read of the catalog, or is dropped already: look it up in the current
    // catalog.
    this.#changed.add(database);
    await this.settle();
    const found = this.#context.tracked.get(collectionId);
    if (found === undefined) {
      if (this.#gone.size >= GONE_REMEMBERED) this.#gone.clear();
      this.#gone.add(collectionId);
    }
    return found;
  }

  changed(event: ChangeEvent): void {
    const { database, collection } = event;
    this.#changed.add(database);
    if (concerns(this.#context.selection, event)) this.#context.seen.note(`${database}.${collection}`);
  }

  async settle(): Promise<void> {
    for (const database of this.#context.drops.confirmed) this.#changed.add(database);
    if (this.#changed.size === 0) return;
    await this.#bringInStep(this.#changed);
    this.#changed.clear();
  }

  async watch(): Promise<void> {
    // The stream shows everything.
  }

  async confirm(): Promise<void> {
    // The stream shows everything, and all changes so far are done.
  }
}
