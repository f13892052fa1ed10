import type { Column } from './command.ts';

/**
 * An answer of the API as a table: a page's records, those of a list, or one.
 * @param columns  those that nobody has a value for are left out
 */
export function tableOf(answer: unknown, columns: readonly Column[]): string {
  const page = answer as { readonly results?: readonly unknown[] };
  const records = page.results ?? (Array.isArray(answer) ? answer : [answer]);
  const shown = columns.filter((column) => records.some((record) => cellOf(record, column) !== undefined));
  if (shown.length === 0) return '';
  const titles = shown.map((column) => (typeof column === 'string' ? column : column.title));
  const rows = [titles, ...records.map((record) => shown.map((column) => textOf(cellOf(record, column))))];
  const widths = shown.map((_column, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

function cellOf(record: unknown, column: Column): unknown {
  return typeof column === 'string' ? valueAt(record, column) : column.of(record);
}

/** What is at a path; of a list that of its members that have it. */
function valueAt(value: unknown, path: string): unknown {
  if (path === '') return value;
  if (Array.isArray(value)) {
    const found = value.map((each) => valueAt(each, path)).filter((each) => each !== undefined);
    return found.length > 0 ? found : undefined;
  }
  const [name = '', ...rest] = path.split('.');
  const inner = (value as Readonly<Record<string, unknown>> | null | undefined)?.[name];
  return inner === undefined ? undefined : valueAt(inner, rest.join('.'));
}

function textOf(value: unknown): string {
  if (value === undefined || value === null || value === '') return '-';
  if (Array.isArray(value)) return value.flat().map(textOf).join(',') || '-';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
