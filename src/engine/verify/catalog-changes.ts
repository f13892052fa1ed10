/** Stands for every collection: their changes aren't known. */
const EVERYTHING = 'everything';
/** Stands for entries without indexes of their own to compare: views, and collections that are not migrated. */
const LISTED = 'listed';

/**
 * Changes of the destination's catalog that no comparison covers. A comparison covers those that were known when it
 * began: later ones may be in none of its readings.
 */
export class CatalogChanges {
  /** The changed collections by UUID, with the number of the comparison that had begun last. */
  readonly #changed = new Map<string, number>();
  #begun = 0;

  /** Notes a change. @param collections  those that it may concern, by UUID; undefined when they aren't known */
  add(collections: ReadonlySet<string> | undefined): void {
    for (const one of collections ?? [EVERYTHING]) this.#changed.set(one, this.#begun);
    this.#changed.set(LISTED, this.#begun);
  }

  /** Notes that a comparison begins. One is under way at a time. */
  begin(): void {
    this.#begun += 1;
  }

  /** Notes that the comparison has ended, and that both sides are equal. */
  cover(): void {
    for (const [one, begun] of this.#changed) if (begun < this.#begun) this.#changed.delete(one);
  }

  get isEmpty(): boolean {
    return this.#changed.size === 0;
  }

  /** Whether the collection may have been changed. @param id  its UUID; undefined when it has none */
  has(id: string | undefined): boolean {
    return this.#changed.has(EVERYTHING) || (id !== undefined && this.#changed.has(id));
  }
}
