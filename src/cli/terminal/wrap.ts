import { stripVTControlCharacters } from 'node:util';
import { Help } from 'commander';
import { type Output, proseWidthOf } from './terminal.ts';

/** Breaks lines between words and counts no colours. A package for it (wrap-ansi) would add 25 ms to the start of every command. */
const between = Object.assign(new Help(), { minWidthToWrap: 0 });

/** Less room beside an indentation is not worth it. */
const LEAST_ROOM = 20;

/**
 * Breaks a paragraph between words where the output is a terminal. Elsewhere it stays one line.
 * @param hanging  columns that every line but the first is indented by
 */
export function wrap(text: string, output: Output, hanging = 0): string {
  const width = proseWidthOf(output);
  return width === undefined ? text : wrapAt(text, width, hanging);
}

/** The same for a given width. A word that is longer than a line stays whole. */
export function wrapAt(text: string, width: number, hanging = 0): string {
  const [indentation = ''] = /^ */.exec(text) ?? [];
  const room = Math.max(LEAST_ROOM, width - Math.max(hanging, indentation.length));
  const lines = between.boxWrap(text.slice(indentation.length), room).split('\n');
  return indentation + lines.join(`\n${' '.repeat(hanging)}`);
}

/**
 * A text in a column of its own beside its name.
 * @param at  the column in which the text begins
 */
export function wrapBeside(name: string, at: number, text: string, output: Output): string {
  const label = name + ' '.repeat(Math.max(1, at - stripVTControlCharacters(name).length));
  const width = proseWidthOf(output);
  if (width === undefined) return label + text;
  return label + between.boxWrap(text, Math.max(LEAST_ROOM, width - at)).replaceAll('\n', `\n${' '.repeat(at)}`);
}
