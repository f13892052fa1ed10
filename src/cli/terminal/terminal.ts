/** The part of an output stream that says whether it is a terminal, how wide it is, and whether it shows colours. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  hasColors?(): boolean;
}

/** Empties the line that the cursor is in. */
export const CLEAR_LINE = '\r\u001b[2K';

/** Longer lines of prose are hard to read, however wide the terminal is. */
const WIDEST_PROSE = 200;

/** Columns of a terminal; undefined elsewhere, where lines are for programs and stay whole. */
export function widthOf({ isTTY, columns }: Output): number | undefined {
  return isTTY ? columns || 80 : undefined;
}

/** Columns that prose may take there; undefined where it stays on one line. */
export function proseWidthOf(output: Output): number | undefined {
  const width = widthOf(output);
  return width && Math.min(width, WIDEST_PROSE);
}

/** Whether to colour: `NO_COLOR` forbids it, `FORCE_COLOR` demands it, else only a terminal that can gets colours. */
export function hasColours(output: Output, environment: NodeJS.ProcessEnv = process.env): boolean {
  if (environment.NO_COLOR) return false;
  const { FORCE_COLOR: forced } = environment;
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return output.isTTY === true && output.hasColors?.() === true;
}
