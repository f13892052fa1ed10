import { stripVTControlCharacters } from 'node:util';

/** A line of a terminal. */
export interface Line {
  /** When it appeared, from the start of the recording. */
  readonly atMs: number;
  /** With the colours of ANSI. */
  readonly text: string;
  readonly isTyped: boolean;
}

const ESCAPE = '\u001b';
const COLUMNS = 110;
const COLUMN_PX = 7.25;
const ROW_PX = 17;
const MARGIN_PX = 18;
/** Colours of ANSI that Linkspan uses, on a dark ground (contrast of at least 4.5). */
const COLOURS: Readonly<Record<string, string>> = { 31: '#ff8b85', 32: '#7ddc8a', 33: '#f0c060', 36: '#74c7ec' };

/**
 * Draws a terminal in which the lines appear one after the other, without a script. Where the reader wants no motion, all are there at once.
 * @returns the text of an SVG file
 */
export function terminalSvg(lines: readonly Line[]): string {
  const rows = lines.flatMap(({ atMs, text, isTyped }) => wrap(text).map((row) => ({ atMs, row, isTyped })));
  const height = rows.length * ROW_PX + 2 * MARGIN_PX;
  const width = Math.ceil(COLUMNS * COLUMN_PX + 2 * MARGIN_PX);
  const drawn = rows.map(({ atMs, row, isTyped }, n) => {
    const y = MARGIN_PX + (n + 0.75) * ROW_PX;
    const kind = isTyped ? ' class="typed"' : '';
    return `<text x="${MARGIN_PX}" y="${y}"${kind} style="animation-delay:${(atMs / 1_000).toFixed(2)}s">${spans(row)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="Linkspan in a terminal: a plan, a migration, and a comparison of both sides">
<style>
text { font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #d7dbe0; white-space: pre; opacity: 0; animation: appear 0.01s forwards; }
.typed { fill: #ffffff; font-weight: bold; }
@keyframes appear { to { opacity: 1; } }
@media (prefers-reduced-motion: reduce) { text { animation: none; opacity: 1; } }
</style>
<rect width="100%" height="100%" rx="8" fill="#16191d"/>
${drawn.join('\n')}
</svg>
`;
}

/** Breaks a line where the terminal ends, between words. Colours have no width, and none spans a break. */
function wrap(text: string): string[] {
  const rows: string[] = [];
  let rest = text;
  while (stripVTControlCharacters(rest).length > COLUMNS) {
    const end = rest.lastIndexOf(' ', COLUMNS);
    const at = end > 0 ? end : COLUMNS;
    rows.push(rest.slice(0, at));
    rest = `    ${rest.slice(at).trimStart()}`;
  }
  return [...rows, rest];
}

function spans(row: string): string {
  return row
    .split(`${ESCAPE}[`)
    .map((part, n) => {
      const [, code = '', text = part] = n === 0 ? [] : (/^(\d+)m(.*)$/s.exec(part) ?? []);
      const colour = COLOURS[code];
      return colour === undefined ? escaped(text) : `<tspan fill="${colour}">${escaped(text)}</tspan>`;
    })
    .join('');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
