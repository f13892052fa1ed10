/** The properties of an output stream that layout needs: terminal or not, width, colours. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  hasColors?(): boolean;
}

/** Clears the current line. */
export const CLEAR_LINE = '\r\u001b[2K';

/** Maximum columns of prose: longer lines are hard to read. */
const WIDEST_PROSE = 200;

/** Columns of a terminal; undefined elsewhere, because programs need whole lines. */
export function widthOf({ isTTY, columns }: Output): number | undefined {
  return isTTY ? columns || 80 : undefined;
}

/** Maximum columns of prose on this output; undefined if prose stays on one line. */
export function proseWidthOf(output: Output): number | undefined {
  const width = widthOf(output);
  return width && Math.min(width, WIDEST_PROSE);
}

/** Whether the output shows colours. `NO_COLOR` turns them off, `FORCE_COLOR` turns them on; the default depends on the terminal. */
export function hasColours(output: Output, environment: NodeJS.ProcessEnv = process.env): boolean {
  if (environment.NO_COLOR) return false;
  const { FORCE_COLOR: forced } = environment;
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return output.isTTY === true && output.hasColors?.() === true;
}
