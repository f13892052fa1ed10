import { colour, type Output, widthOf, wrapBeside } from '../terminal/index.ts';
import type { Column } from './command.ts';

/**
 * Formats an answer of the API as a table: the records of a page or a list, or one record. On a terminal that is too narrow, each record
 * becomes a block with one line per column.
 * @param columns  columns of the table; a column without any value is left out
 */
export function tableOf(answer: unknown, columns: readonly Column[], output: Output = process.stdout): string {
  const page = answer as { readonly results?: readonly unknown[] };
  const records = page.results ?? (Array.isArray(answer) ? answer : [answer]);
  const shown = columns.filter((column) => records.some((record) => cellOf(record, column) !== undefined));
  if (shown.length === 0) return '';
  const titles = shown.map((column) => (typeof column === 'string' ? column : column.title));
  const rows = records.map((record) => shown.map((column) => textOf(cellOf(record, column))));
  const widths = titles.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const whole = widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length);
  if (whole > (widthOf(output) ?? Number.POSITIVE_INFINITY)) return blocks(titles, rows, output);
  const line = (row: readonly string[]) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join(GAP)
      .trimEnd();
  return [colour('heading', line(titles), output), ...rows.map(line)].map((text) => `${text}\n`).join('');
}

const GAP = '  ';

function blocks(columns: readonly string[], rows: readonly (readonly string[])[], output: Output): string {
  const width = Math.max(...columns.map(({ length }) => length)) + GAP.length;
  const field = (cell: string, at: number) => {
    const name = colour('heading', columns[at] ?? '', output);
    return `${wrapBeside(name, width, cell, output)}\n`;
  };
  return rows.map((row) => row.map(field).join('')).join('\n');
}

function cellOf(record: unknown, column: Column): unknown {
  return typeof column === 'string' ? valueAt(record, column) : column.of(record);
}

/** The value at a path. For a list: the values of those members that have one. */
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
