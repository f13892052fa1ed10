import type { SQLInputValue } from 'node:sqlite';
import type { HasEntry } from '../../control/index.ts';

/** A condition in SQL, with `?` for each value. Conditions of one shape have the same text, so that few statements are prepared. */
export interface SqlCondition {
  readonly sql: string;
  readonly values: readonly SQLInputValue[];
}

/** Returns the SQL of a query's conditions. @param where  as {@link Where} of any kind */
export function conditionOf(where: Readonly<Record<string, unknown>>): SqlCondition {
  let sql = '';
  const values: SQLInputValue[] = [];
  const add = (one: string, ...its: readonly SQLInputValue[]) => {
    sql += sql === '' ? one : ` AND ${one}`;
    values.push(...its);
  };
  for (const field in where) {
    const column = columnOf(field);
    const condition = where[field];
    if (condition === null) add(`${column} IS NULL`);
    // As a literal, so that SQLite can use an index of only these rows.
    else if (typeof condition === 'boolean') add(`${column} = ${Number(condition)}`);
    else if (typeof condition !== 'object') add(`${column} = ?`, condition as SQLInputValue);
    else for (const [name, operand] of Object.entries(condition)) addOperator(add, column, name, operand);
  }
  return { sql: sql || 'TRUE', values };
}

/** Returns the name of a field's column, or of a kind's table. */
export function columnOf(field: string): string {
  const known = columns.get(field);
  if (known !== undefined) return known;
  const column = field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  columns.set(field, column);
  return column;
}

const columns = new Map<string, string>();

const COMPARISONS: Readonly<Record<string, string>> = { gt: '>', gte: '>=', lte: '<=' };

function addOperator(
  add: (sql: string, ...values: readonly SQLInputValue[]) => void,
  column: string,
  name: string,
  operand: unknown,
): void {
  if (name === 'in') add(`${column} IN (SELECT value FROM json_each(?))`, JSON.stringify(operand));
  else if (name === 'contains') add(`instr(lower(${column}), lower(?)) > 0`, String(operand));
  else if (name === 'hasEntry') addEntry(add, column, operand as HasEntry);
  else add(`${column} ${COMPARISONS[name]} ?`, Number(operand));
}

function addEntry(
  add: (sql: string, ...values: readonly SQLInputValue[]) => void,
  column: string,
  { names, value }: HasEntry,
): void {
  if (value === undefined) {
    const hasName = `SELECT 1 FROM json_each(${column}) AS entry, json_each(?) AS name WHERE entry.key = name.value`;
    add(`EXISTS (${hasName})`, JSON.stringify(names));
    return;
  }
  // Cheap, so that few records are parsed.
  add(`instr(${column}, ?) > 0`, JSON.stringify(value));
  const isUnderName = "(entry.fullkey = '$.' || name.value OR entry.path = '$.' || name.value)";
  const hasValue = `SELECT 1 FROM json_each(?) AS name, json_tree(${column}) AS entry WHERE entry.atom = ? AND ${isUnderName}`;
  add(`EXISTS (${hasValue})`, JSON.stringify(names), value);
}
