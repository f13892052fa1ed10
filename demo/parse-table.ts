/**
 * Parses a CSV or TSV text into rows, with the names of its first line. Quoted cells may contain separators, line ends and doubled quotes (RFC 4180).
 */
export function parseTable(text: string, separator: ',' | '\t'): Record<string, string>[] {
  const [names, ...rows] = cellsOf(text, separator);
  if (!names) return [];
  return rows.map((cells) => Object.fromEntries(names.map((name, index) => [name, cells[index] ?? ''])));
}

function cellsOf(text: string, separator: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  // A cell, quoted or plain, and its end.
  const cell =
    separator === ','
      ? /(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r?\n|$)/y
      : /(?:"((?:[^"]|"")*)"|([^\t\r\n]*))(\t|\r?\n|$)/y;
  while (cell.lastIndex < text.length) {
    const match = cell.exec(text);
    if (!match) throw new Error('the table has a stray quote');
    row.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === separator) continue;
    rows.push(row);
    row = [];
  }
  return rows;
}
