/** An answer of the API as a table: a page's records, or one. Columns that nobody has a value for are left out. */
export function tableOf(answer: unknown, columns: readonly string[]): string {
  const page = answer as { readonly results?: readonly unknown[] };
  const records = (page.results ?? [answer]) as readonly Readonly<Record<string, unknown>>[];
  const shown = columns.filter((column) => records.some((record) => record[column] !== undefined));
  if (shown.length === 0) return '';
  const rows = [shown, ...records.map((record) => shown.map((column) => textOf(record[column])))];
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

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '-';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
