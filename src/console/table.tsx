import type { ComponentChildren } from 'preact';

/** A column: its heading, null where only buttons stand, and the content of its cells. */
export type Column<Row> = readonly [heading: string | null, cell: (row: Row) => ComponentChildren];

interface TableProps<Row> {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** Stands in place of a table without rows. */
  readonly none: ComponentChildren;
}

/** A table; on a narrow screen, each row is a block whose lines have the headings. */
export function Table<Row>({ label, columns, rows, keyOf, none }: TableProps<Row>) {
  if (rows.length === 0) return <p class="mute">{none}</p>;
  return (
    <table class="list" aria-label={label}>
      <thead>
        <tr>{columns.map(([heading]) => (heading === null ? <td key="" /> : <th key={heading}>{heading}</th>))}</tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)}>
            {columns.map(([heading, cell]) => (
              <td key={heading} data-heading={heading}>
                {cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
