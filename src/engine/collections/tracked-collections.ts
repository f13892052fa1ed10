import type { Changes } from '../concurrency/changes.ts';
import type { TrackedCollection } from './tracked-collection.ts';

/** The collections of a migration, by their source UUID in hexadecimal. A change of a collection or of the set notifies all waiters. */
export class TrackedCollections extends Map<string, TrackedCollection> {
  readonly #changes: Changes;

  constructor(changes: Changes) {
    super();
    this.#changes = changes;
  }

  override set(id: string, collection: TrackedCollection): this {
    collection.onChange = () => this.#changes.notify();
    super.set(id, collection);
    this.#changes.notify();
    return this;
  }

  override delete(id: string): boolean {
    const isDeleted = super.delete(id);
    this.#changes.notify();
    return isDeleted;
  }
}
