import type { Table } from './table.ts';

/**
 * A cache of all committed records of a small table, because every request looks one up. It has all of them, so that looking up an unknown one
 * takes as long as a known one.
 */
export class CommittedRecords<T extends { readonly id: string }> {
  readonly #table: Table<T>;
  readonly #keyOf: (record: T) => string;
  #byKey: ReadonlyMap<string, T> | undefined;

  /**
   * @param table  read on a connection that sees only committed data
   * @param keyOf  what a record is looked up by
   */
  constructor(table: Table<T>, keyOf: (record: T) => string) {
    this.#table = table;
    this.#keyOf = keyOf;
  }

  find(key: string): T | undefined {
    this.#byKey ??= new Map(this.#table.list('true').map((record) => [this.#keyOf(record), record]));
    return this.#byKey.get(key);
  }

  /** Clears the cache. Call it after a commit that changed such records, before its writers get their results. */
  forget(): void {
    this.#byKey = undefined;
  }
}
