import type { CheckpointStore } from '../checkpoint/checkpoint-store.ts';

/**
 * The views of the destination that the migration made. A view has no UUID to know it by, so its name goes on record before it is made;
 * views that are not on record are somebody else's, and left alone.
 */
export class MadeViews {
  readonly #checkpoint: CheckpointStore;
  readonly #names = new Map<string, Set<string>>();

  constructor(checkpoint: CheckpointStore) {
    this.#checkpoint = checkpoint;
  }

  /** Loads what an earlier run knew. */
  async load(): Promise<void> {
    for (const { database, name } of await this.#checkpoint.views()) this.#of(database).add(name);
  }

  /** Databases of the source with such views. */
  get databases(): readonly string[] {
    return [...this.#names].filter(([, names]) => names.size > 0).map(([database]) => database);
  }

  /** Their names on the destination. @param database  of the source */
  of(database: string): ReadonlySet<string> {
    return this.#of(database);
  }

  /** Puts names on record; on the destination nothing has them yet. */
  async note(database: string, names: readonly string[]): Promise<void> {
    await this.#checkpoint.saveViews(database, names);
    for (const name of names) this.#of(database).add(name);
  }

  async forget(database: string, name: string): Promise<void> {
    await this.#checkpoint.removeView(database, name);
    this.#of(database).delete(name);
  }

  #of(database: string): Set<string> {
    const names = this.#names.get(database) ?? new Set();
    this.#names.set(database, names);
    return names;
  }
}
