import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import type { Keeping, Kind, Records, Where, Window } from '../../control/index.ts';
import { COLUMNS, type Decoder } from './columns.ts';
import { columnOf, conditionOf } from './condition.ts';

type AnyRecord = Readonly<Record<string, unknown>>;

/** The statements of one table, and the conversion between its rows and records. */
export class Table<K extends Kind> {
  readonly #database: DatabaseSync;
  readonly #name: string;
  readonly #fields: readonly (readonly [field: string, column: string, decode: Decoder])[];
  readonly #derived: readonly (readonly [column: string, derive: (record: Records[K]) => unknown])[];
  readonly #columns: string;
  readonly #order: Keeping['order'];
  readonly #key: readonly string[];
  /** Prepared statements by operation and shape of the query. Preparing one for each lookup would cost more than the lookup. */
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync, kind: K, { key, order, derived }: Keeping) {
    this.#database = database;
    this.#name = columnOf(kind);
    this.#fields = Object.entries<Decoder>(COLUMNS[kind]).map(([field, decode]) => [field, columnOf(field), decode]);
    this.#derived = Object.entries(derived).map(([field, derive]) => [columnOf(field), derive as () => unknown]);
    this.#columns = this.#fields.map(([, column]) => column).join(', ');
    this.#order = order;
    this.#key = key.map(columnOf);
  }

  get(id: string): Records[K] | undefined {
    const select = () => `SELECT ${this.#columns} FROM ${this.#name} WHERE id = ?`;
    const row = this.#prepare('get', select).get(id);
    return row && this.#record(row);
  }

  find(where: Where<K>, { reverse = false, firstOfEach, skip = 0, limit = -1 }: Window<K>): Records[K][] {
    const { sql, values } = conditionOf(where);
    const one = firstOfEach && this.#firstOfEach(firstOfEach.map(String), sql);
    const condition = one === undefined ? sql : `${sql} AND ${one}`;
    // With a limit, SQLite sorts even a few rows in a temporary B-tree, which costs more than to find them.
    const part = limit === -1 && skip === 0 ? '' : ' LIMIT ? OFFSET ?';
    const select = () =>
      `SELECT ${this.#columns} FROM ${this.#name} WHERE ${condition} ORDER BY ${this.#orderBy(reverse)}${part}`;
    const statement = this.#prepare(`find ${reverse}${part} ${condition}`, select);
    const its = one === undefined ? values : [...values, ...values];
    const rows = part === '' ? statement.all(...its) : statement.all(...its, limit, skip);
    return rows.map((row) => this.#record(row));
  }

  count(where: Where<K>): number {
    const { sql, values } = conditionOf(where);
    const select = () => `SELECT count(*) AS count FROM ${this.#name} WHERE ${sql}`;
    return Number(this.#prepare(`count ${sql}`, select).get(...values)?.count);
  }

  countBy(field: string, where: Where<K>): Map<unknown, number> {
    const { sql, values } = conditionOf(where);
    const column = columnOf(field);
    const select = () =>
      `SELECT ${column} AS value, count(*) AS count FROM ${this.#name} WHERE ${sql} GROUP BY ${column}`;
    const rows = this.#prepare(`count by ${column} ${sql}`, select).all(...values);
    return new Map(rows.map(({ value, count }) => [value, Number(count)]));
  }

  insert(record: Records[K]): void {
    this.#prepare('insert', () => this.#insert()).run(...this.#values(record));
  }

  put(record: Records[K]): void {
    const replace = this.#names.map((column) => `${column} = excluded.${column}`);
    const sql = () => `${this.#insert()} ON CONFLICT (${this.#key.join(', ')}) DO UPDATE SET ${replace.join(', ')}`;
    this.#prepare('put', sql).run(...this.#values(record));
  }

  /** @throws when no record has that id */
  update(record: Records[K] & { readonly id: string }): void {
    const sql = () =>
      `UPDATE ${this.#name} SET ${this.#names.map((column) => `${column} = ?`).join(', ')} WHERE id = ?`;
    const { changes } = this.#prepare('update', sql).run(...this.#values(record), record.id);
    if (changes !== 1) throw new Error(`There is no record ${record.id} in ${this.#name}`);
  }

  delete(where: Where<K>): void {
    const { sql, values } = conditionOf(where);
    this.#prepare(`delete ${sql}`, () => `DELETE FROM ${this.#name} WHERE ${sql}`).run(...values);
  }

  get #names(): readonly string[] {
    return [...this.#fields.map(([, column]) => column), ...this.#derived.map(([column]) => column)];
  }

  #insert(): string {
    const names = this.#names;
    return `INSERT INTO ${this.#name} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`;
  }

  #orderBy(reverse: boolean): string {
    const terms = Object.entries(this.#order).map(([field, direction]) => {
      const isDescending = (direction === -1) !== reverse;
      return isDescending ? `${columnOf(field)} DESC` : columnOf(field);
    });
    return terms.join(', ');
  }

  /** Selects the row of each group that is first in the table's order. Needs no row but those, because indexes have these columns. */
  #firstOfEach(fields: readonly string[], sql: string): string {
    const group = fields.map(columnOf).join(', ');
    const [first = 'id'] = Object.keys(this.#order).map(columnOf);
    return `(${group}, ${first}) IN (SELECT ${group}, min(${first}) FROM ${this.#name} WHERE ${sql} GROUP BY ${group})`;
  }

  #prepare(shape: string, sql: () => string): StatementSync {
    const known = this.#statements.get(shape);
    if (known) return known;
    const statement = this.#database.prepare(sql());
    this.#statements.set(shape, statement);
    return statement;
  }

  #values(record: Records[K]): SQLInputValue[] {
    const byName = record as unknown as AnyRecord;
    return [
      ...this.#fields.map(([field]) => encode(byName[field])),
      ...this.#derived.map(([, derive]) => encode(derive(record))),
    ];
  }

  #record(row: Record<string, SQLOutputValue>): Records[K] {
    // COLUMNS has every field of a record, and only this class writes them.
    const record: Record<string, unknown> = {};
    for (const [field, column, decode] of this.#fields) record[field] = decode(row[column] ?? null);
    return record as unknown as Records[K];
  }
}

/** Lists and objects are stored as JSON. */
function encode(value: unknown): SQLInputValue {
  if (typeof value === 'boolean') return Number(value);
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : (value as SQLInputValue);
}
