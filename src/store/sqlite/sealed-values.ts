import type { DatabaseSync } from 'node:sqlite';
import type { Sealed, SealedPlace } from '../../control/index.ts';

/** All columns with sealed values. */
const COLUMNS = [
  ['api_keys', 'verifiers'],
  ['clusters', 'connection_string'],
  ['validations', 'password'],
  ['migrations', 'password'],
  ['destination_users', 'password'],
  ['server_keys', 'private_key'],
  ['audit_keys', 'mac_key'],
] as const;

/** Sealed values that do not start with the mark. @param mark  empty for all values */
export function notSealedAs(
  database: DatabaseSync,
  mark: string,
  limit: number,
): { readonly place: SealedPlace; readonly value: Sealed }[] {
  const selects = COLUMNS.map(
    ([table, field]) => `SELECT '${table}' AS "table", id, '${field}' AS field, ${field} AS value FROM ${table}`,
  );
  const sql = `SELECT * FROM (${selects.join(' UNION ALL ')}) WHERE substr(value, 1, ?) <> ? OR (? = '' AND value <> '') LIMIT ?`;
  const rows = database.prepare(sql).all(mark.length, mark, mark, limit);
  return rows.map(({ table, id, field, value }) => ({
    place: { table: String(table), id: String(id), field: String(field) },
    value: String(value) as Sealed,
  }));
}

export function replaceSealed(database: DatabaseSync, { table, id, field }: SealedPlace, value: Sealed): void {
  if (!COLUMNS.some(([knownTable, known]) => knownTable === table && known === field)) {
    throw new Error(`${table}.${field} has no sealed values`);
  }
  database.prepare(`UPDATE ${table} SET ${field} = ? WHERE id = ?`).run(value, id);
}
