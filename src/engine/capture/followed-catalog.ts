import { type CatalogEntry, listCollections, listUserDatabases } from '../catalog/read-catalog.ts';
import type { RunContext } from '../collections/context.ts';
import { CollectionMissing } from '../collections/moved.ts';
import { databasesOf } from '../collections/reconcile.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { isSharded } from '../mongodb/sharding.ts';
import { confirmSource } from '../records/confirm-clusters.ts';
import { type ChangeEvent, concerns, type DocumentChange } from './change-event.ts';
import type { BringInStep, SourceCatalog } from './source-catalog.ts';

/**
 * Collections that were dropped before their changes arrived. The engine remembers them, to look for each only once.
 */
const GONE_REMEMBERED = 10_000;

/** Events that change the indexes of no collection that stays. Those of views have no UUID. */
const WITHOUT_INDEXES: ReadonlySet<string> = new Set(['create', 'drop', 'dropDatabase', 'rename']);

/** How long a source may have another UUID for a collection, or a new time series without an event, before the engine notices. */
const LOOK_EVERY_MS = 10_000;

/**
 * A catalog whose stream shows every change, except that a sharded source reshards collections without an event, and that
 * MongoDB 9.0 shows no event of time series. The destination's catalog is kept in sync with it. Collections are
 * identified by UUID.
 */
export class FollowedCatalog implements SourceCatalog {
  readonly #context: RunContext;
  readonly #bringInStep: BringInStep;
  /** Databases that events name, and collections whose indexes they may have changed, by UUID. */
  readonly #changed = new Set<string>();
  readonly #reindexed = new Set<string>();
  /** Databases of which every collection may have changed. */
  readonly #whole = new Set<string>();
  readonly #gone = new Set<string>();
  /** Databases with a change that the stream hasn't shown. */
  readonly #unshown = new Set<string>();

  constructor(context: RunContext, bringInStep: BringInStep) {
    this.#context = context;
    this.#bringInStep = bringInStep;
  }

  async start(): Promise<void> {
    this.#gone.clear();
    await this.#bringInStep(await databasesOf(this.#context), () => true);
  }

  async collectionOf(event: DocumentChange): Promise<TrackedCollection | undefined> {
    const { collectionId = '', database } = event;
    const known = this.#context.tracked.get(collectionId);
    if (known !== undefined || this.#gone.has(collectionId)) return known;
    // When a rename selects it later, the copy reads this change.
    // rule: ignore-unselected-events
    if (!concerns(this.#context.selection, event)) return undefined;
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
    const { operation, database, collection, collectionId } = event;
    this.#changed.add(database);
    if (collectionId !== undefined) this.#reindexed.add(collectionId);
    else if (!WITHOUT_INDEXES.has(operation)) this.#whole.add(database);
    // rule: catalog-changes-in-last-look
    if (concerns(this.#context.selection, event)) this.#context.seen.note(`${database}.${collection}`);
  }

  async settle(): Promise<void> {
    for (const database of [...this.#context.drops.confirmed, ...this.#unshown]) this.#whole.add(database);
    this.#unshown.clear();
    const databases = new Set([...this.#changed, ...this.#whole]);
    if (databases.size === 0) return;
    await this.#bringInStep(
      databases,
      ({ id, sourceDatabase }) => this.#reindexed.has(id) || this.#whole.has(sourceDatabase), // rule: indexes-of-named-collections
    );
    for (const noted of [this.#changed, this.#reindexed, this.#whole]) noted.clear();
  }

  /** Whether a change of the catalog may have no event. */
  get #mayMiss(): boolean {
    // rule: hidden-time-series-events
    return isSharded(this.#context.source) || !this.#context.sourceFeatures.showsTimeSeries;
  }

  /** Looks for collections that a sharded source has resharded: their UUIDs change without an event. MongoDB 9.0 hides time series. */
  async watch(): Promise<void> {
    const { clock, signal } = this.#context;
    while (this.#mayMiss && !signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, signal);
      // rule: look-for-resharded
      if (!signal.aborted) await this.#lookForUnshown();
    }
  }

  /** @throws CollectionMissing when the source has changed a collection without an event, and the engine has not followed that */
  async confirm(): Promise<void> {
    if (!this.#mayMiss) return; // The stream shows everything, and all changes so far are done.
    const [namespace] = await this.#lookForUnshown();
    // rule: resharded-under-block
    if (namespace !== undefined)
      throw new CollectionMissing(`${namespace} was changed on the source, and its change stream has not shown that`);
  }

  /** Returns the names of selected collections that have another UUID than the engine knows, or are new or gone. */
  async #lookForUnshown(): Promise<readonly string[]> {
    const { retrier, selection, tracked } = this.#context;
    const entries = await retrier.run('the source', () => this.#listAll());
    await confirmSource(this.#context); // Another cluster has other collections.
    const present = new Map<string, CatalogEntry>();
    for (const entry of entries)
      if (entry.uuid !== undefined && selection.has(entry.database, entry.name))
        present.set(entry.uuid.toHexString(false), entry);
    const unknown = [...present].filter(([id]) => !tracked.has(id)).map(([, entry]) => entry);
    const gone = [...tracked.values()]
      .filter((one) => !present.has(one.id))
      .map(({ sourceDatabase: database, sourceName: name }) => ({ database, name }));
    for (const { database } of [...unknown, ...gone]) this.#unshown.add(database);
    return [...unknown, ...gone].map(({ database, name }) => `${database}.${name}`);
  }

  async #listAll(): Promise<readonly CatalogEntry[]> {
    const { source } = this.#context;
    const entries: CatalogEntry[] = [];
    for (const database of await listUserDatabases(source)) entries.push(...(await listCollections(source, database)));
    return entries;
  }
}
