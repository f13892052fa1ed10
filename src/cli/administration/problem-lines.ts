import type { ErrorData } from '../../contract/index.ts';

/** The lines about the problems since a cutover. They come before all others. */
export function problemLines(problems: readonly ErrorData[]): (readonly [label: string, text: string])[] {
  return problems.map(({ message, remedy, code }) => ['problem', `${message} ${remedy} [${code}]`] as const);
}
