import type { Migrated } from '../collections/context.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import type { Pace } from '../records/context.ts';
import { RateWindow } from './rate-window.ts';

/** The recent copy rate of one collection, per second; null before enough was measured. */
export interface CollectionRate {
  readonly documentsPerSecond: number | null;
  readonly bytesPerSecond: number | null;
}

const UNKNOWN: CollectionRate = { documentsPerSecond: null, bytesPerSecond: null };
const EVERY_MS = 1_000;

/** Measures the copy rates of the collections that are copied now. Only those take memory. */
export class CollectionRates {
  readonly #windows = new Map<TrackedCollection, { readonly documents: RateWindow; readonly bytes: RateWindow }>();

  /** Samples every second until the run ends. */
  async run({ clock, signal, tracked }: Pace & Migrated): Promise<void> {
    while (!signal.aborted) {
      this.add([...tracked.values()], clock.elapsed());
      await clock.sleep(EVERY_MS, signal);
    }
  }

  /**
   * Adds a sample of all collections.
   * @param atMs  its time, never earlier than the one before
   */
  add(collections: readonly TrackedCollection[], atMs: number): void {
    const copying = new Set(collections.filter(({ state }) => state === 'copying'));
    for (const collection of this.#windows.keys()) if (!copying.has(collection)) this.#windows.delete(collection);
    for (const collection of copying) {
      const windows = this.#windows.get(collection) ?? { documents: new RateWindow(), bytes: new RateWindow() };
      windows.documents.count(atMs, collection.copied.documents);
      windows.bytes.count(atMs, collection.copied.bytes);
      this.#windows.set(collection, windows);
    }
  }

  /** Returns the rate of a collection over the last minute; unknown for one that is not copied now. */
  of(collection: TrackedCollection): CollectionRate {
    const windows = this.#windows.get(collection);
    if (windows === undefined) return UNKNOWN;
    return { documentsPerSecond: windows.documents.perSecond(), bytesPerSecond: windows.bytes.perSecond() };
  }
}
