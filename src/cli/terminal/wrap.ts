import { stripVTControlCharacters } from 'node:util';
import { Help } from 'commander';
import { type Output, proseWidthOf } from './terminal.ts';

/** Wraps lines between words and ignores colour codes. The package wrap-ansi would add 25 ms to the start of every command. */
const between = Object.assign(new Help(), { minWidthToWrap: 0 });

/** Minimum columns beside an indentation. */
const LEAST_ROOM = 20;

/**
 * Wraps a paragraph between words if the output is a terminal. Elsewhere it stays one line.
 * @param hanging  indentation of all lines but the first, in columns
 */
export function wrap(text: string, output: Output, hanging = 0): string {
  const width = proseWidthOf(output);
  return width === undefined ? text : wrapAt(text, width, hanging);
}

/** Wraps a paragraph at a given width. A word that is longer than a line stays whole. */
export function wrapAt(text: string, width: number, hanging = 0): string {
  const [indentation = ''] = /^ */.exec(text) ?? [];
  const room = Math.max(LEAST_ROOM, width - Math.max(hanging, indentation.length));
  const lines = between.boxWrap(text.slice(indentation.length), room).split('\n');
  return indentation + lines.join(`\n${' '.repeat(hanging)}`);
}

/**
 * Formats a name and a text beside it, wrapped in its own column.
 * @param at  first column of the text
 */
export function wrapBeside(name: string, at: number, text: string, output: Output): string {
  const label = name + ' '.repeat(Math.max(1, at - stripVTControlCharacters(name).length));
  const width = proseWidthOf(output);
  if (width === undefined) return label + text;
  return label + between.boxWrap(text, Math.max(LEAST_ROOM, width - at)).replaceAll('\n', `\n${' '.repeat(at)}`);
}
