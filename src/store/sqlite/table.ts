import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';

/** Converts a field of a record to its column and back. */
export interface Codec {
  readonly encode: (value: never) => SQLInputValue;
  readonly decode: (value: SQLOutputValue) => unknown;
}

/** Stores texts, integers and nulls unchanged. */
export const plain: Codec = { encode: (value: SQLInputValue) => value, decode: (value) => value };
export const json: Codec = {
  encode: (value: unknown) => (value === null ? null : JSON.stringify(value)),
  decode: (value) => (value === null ? null : JSON.parse(String(value))),
};
export const flag: Codec = { encode: (value: boolean) => Number(value), decode: (value) => value === 1 };

/** A codec for each field of a record. A column has the field's name in snake case. */
export type Columns<T> = { readonly [K in keyof T]-?: Codec };

/** The statements of one table, and the conversion between its rows and records. */
export class Table<T extends { readonly id: string }> {
  readonly #database: DatabaseSync;
  readonly #name: string;
  readonly #fields: readonly { readonly field: string; readonly column: string; readonly codec: Codec }[];
  readonly #columns: string;
  readonly #statements = new Map<string, StatementSync>();
  /** Prepared selects by condition and order, because building the SQL for each lookup would cost as much as the lookup. */
  readonly #selects = new Map<string, Map<string, StatementSync>>();
  readonly #insert: string;
  readonly #update: string;

  constructor(database: DatabaseSync, name: string, columns: Columns<T>) {
    this.#database = database;
    this.#name = name;
    this.#fields = Object.entries<Codec>(columns).map(([field, codec]) => ({ field, column: snakeCase(field), codec }));
    const names = this.#fields.map(({ column }) => column);
    this.#columns = names.join(', ');
    this.#insert = `INSERT INTO ${name} (${this.#columns}) VALUES (${names.map(() => '?').join(', ')})`;
    this.#update = `UPDATE ${name} SET ${names.map((column) => `${column} = ?`).join(', ')} WHERE id = ?`;
  }

  /** The first record that matches a condition. @param where  SQL with `?` for each value */
  find(where: string, ...values: SQLInputValue[]): T | undefined {
    const row = this.#select(where, 'created_at_ms, id').get(...values);
    return row && this.#record(row);
  }

  /** The records that match a condition, in the order of creation. Ids start with the second of their creation. */
  list(where: string, ...values: SQLInputValue[]): T[] {
    return this.listBy(where, 'created_at_ms, id', ...values);
  }

  /** {@link list} in another order. @param order  SQL; a limit may follow */
  listBy(where: string, order: string, ...values: SQLInputValue[]): T[] {
    return this.#select(where, order)
      .all(...values)
      .map((row) => this.#record(row));
  }

  count(where: string, ...values: SQLInputValue[]): number {
    return Number(this.prepare(`SELECT count(*) AS count FROM ${this.#name} WHERE ${where}`).get(...values)?.count);
  }

  insert(record: T): void {
    this.prepare(this.#insert).run(...this.#values(record));
  }

  delete(id: string): void {
    this.prepare(`DELETE FROM ${this.#name} WHERE id = ?`).run(id);
  }

  /** @throws when no record has that id */
  update(record: T): void {
    const { changes } = this.prepare(this.#update).run(...this.#values(record), record.id);
    if (changes !== 1) throw new Error(`There is no record ${record.id} in ${this.#name}`);
  }

  /** A statement of this table, prepared once. */
  prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #select(where: string, order: string): StatementSync {
    const orders = this.#selects.get(where) ?? new Map<string, StatementSync>();
    const known = orders.get(order);
    if (known) return known;
    const sql = `SELECT ${this.#columns} FROM ${this.#name} WHERE ${where} ORDER BY ${order}`;
    const statement = this.#database.prepare(sql);
    this.#selects.set(where, orders.set(order, statement));
    return statement;
  }

  #values(record: T): SQLInputValue[] {
    const byName = record as Readonly<Record<string, unknown>>;
    return this.#fields.map(({ field, codec }) => codec.encode(byName[field] as never));
  }

  #record(row: Record<string, SQLOutputValue>): T {
    // The columns are declared for every field of T, and only this class writes them.
    const record: Record<string, unknown> = {};
    for (const { field, column, codec } of this.#fields) record[field] = codec.decode(row[column] ?? null);
    return record as unknown as T;
  }
}

function snakeCase(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
