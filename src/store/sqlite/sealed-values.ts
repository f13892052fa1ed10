import type { DatabaseSync } from 'node:sqlite';
import { KEEPING, type Sealed, type SealedPlace } from '../../control/index.ts';
import { columnOf } from './condition.ts';

/** The places of all sealed values, without the ids. */
const PLACES = [...KEEPING].flatMap(([kind, { sealed: field }]) => (field === undefined ? [] : [{ kind, field }]));

/** Returns sealed values that do not start with the mark. @param mark  empty for all values */
export function notSealedAs(
  database: DatabaseSync,
  mark: string,
  limit: number,
): { readonly place: SealedPlace; readonly value: Sealed }[] {
  const selects = PLACES.map(
    ({ kind, field }) =>
      `SELECT '${kind}' AS kind, id, '${field}' AS field, ${columnOf(field)} AS value FROM ${columnOf(kind)}`,
  );
  const sql = `SELECT * FROM (${selects.join(' UNION ALL ')}) WHERE substr(value, 1, ?) <> ? OR (? = '' AND value <> '') LIMIT ?`;
  const rows = database.prepare(sql).all(mark.length, mark, mark, limit);
  return rows.map(({ kind, id, field, value }) => ({
    place: { kind: String(kind), id: String(id), field: String(field) },
    value: String(value) as Sealed,
  }));
}

export function replaceSealed(database: DatabaseSync, { kind, id, field }: SealedPlace, value: Sealed): void {
  if (!PLACES.some((place) => place.kind === kind && place.field === field)) {
    throw new Error(`${kind}.${field} has no sealed values`);
  }
  database.prepare(`UPDATE ${columnOf(kind)} SET ${columnOf(field)} = ? WHERE id = ?`).run(value, id);
}
