import type { CollectionProgress, ListedMismatch } from '../contract/index.ts';
import type { ReportedLists } from '../link/index.ts';
import { ListFeed } from './list-feed.ts';

/** The lists of a migration as they are now; undefined while its engine doesn't know them. */
export interface CurrentLists {
  readonly id: string;
  readonly collections: readonly CollectionProgress[] | undefined;
  readonly mismatches: readonly ListedMismatch[] | undefined;
}

/** The room for all lists in one report, as JSON: a quarter of what the control plane reads. An item takes about 300 bytes, and at most 6 kB. */
const REPORT_BYTES = 256 * 1024;

interface Feeds {
  readonly collections: ListFeed<CollectionProgress>;
  readonly mismatches: ListFeed<ListedMismatch>;
}

/** The lists of all migrations of an agent, on their way to the control plane. */
export class MigrationLists {
  readonly #current: () => readonly CurrentLists[];
  readonly #feeds = new Map<string, Feeds>();

  /** @param current  returns the lists as they are now. Only called for a report that is due */
  constructor(current: () => readonly CurrentLists[]) {
    this.#current = current;
  }

  /** Whether the last report left something out. */
  get hasMore(): boolean {
    return this.#all.some(({ hasMore }) => hasMore);
  }

  /** Returns the parts of lists for the next report, by the id of the migration. */
  next(): ReadonlyMap<string, ReportedLists> {
    const current = this.#current();
    const ids = new Set(current.map(({ id }) => id));
    for (const id of this.#feeds.keys()) if (!ids.has(id)) this.#feeds.delete(id);
    const bytes = REPORT_BYTES / (2 * Math.max(1, current.length));
    const parts = current.map(({ id, collections, mismatches }): [string, ReportedLists] => {
      const feeds = this.#feeds.get(id) ?? { collections: new ListFeed(), mismatches: new ListFeed() };
      this.#feeds.set(id, feeds);
      const ofCollections = collections && feeds.collections.next(collections, bytes);
      const ofMismatches = mismatches && feeds.mismatches.next(mismatches, bytes);
      return [
        id,
        { ...(ofCollections && { collections: ofCollections }), ...(ofMismatches && { mismatches: ofMismatches }) },
      ];
    });
    return new Map(parts.filter(([, lists]) => Object.keys(lists).length > 0));
  }

  /**
   * Notes that the report has arrived.
   * @param resend  the migrations of which the control plane lacks an earlier part
   */
  acknowledge(resend: readonly string[]): void {
    for (const feed of this.#all) feed.acknowledge();
    for (const id of resend) {
      this.#feeds.get(id)?.collections.restart();
      this.#feeds.get(id)?.mismatches.restart();
    }
  }

  /** Notes that the report may or may not have arrived. */
  lose(): void {
    for (const feed of this.#all) feed.lose();
  }

  get #all(): readonly (ListFeed<CollectionProgress> | ListFeed<ListedMismatch>)[] {
    return [...this.#feeds.values()].flatMap(({ collections, mismatches }) => [collections, mismatches]);
  }
}
