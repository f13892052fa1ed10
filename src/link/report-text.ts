import { z } from 'zod';

/** Characters that move a terminal's cursor, change its colours, or hide text. Tab and line break are allowed. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern must match control characters.
const UNPRINTABLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Longer than any message of the engine, which quotes at most 200 characters of a key and a few names of 255 bytes. */
const LONGEST_TEXT = 4_000;
const MOST_REPORTED = 1_000;

/** A text of an agent that users will read: shortened, and without control characters for terminals. */
export const reportText = z.string().transform((text) => text.replace(UNPRINTABLE, '\ufffd').slice(0, LONGEST_TEXT));

/** The first 1,000 items of an agent's list. A longer list is cut, not refused, so that a busy agent can still report. */
export function reportList<Item extends z.ZodType>(item: Item) {
  return z.array(item).transform((items) => items.slice(0, MOST_REPORTED));
}

/** A name of printable ASCII without blanks. Other names are refused, not changed, because names are keys elsewhere. */
export const agentName = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'expected 1 to 255 printable ASCII characters without blanks');

/** Deeper than any document that an agent reports. */
const DEEPEST = 10;

/**
 * Returns a value of JSON with all of its texts and lists as {@link reportText} and {@link reportList} make them. What
 * is nested deeper than any document is left out, so that a report can't exhaust the stack.
 */
export function printable(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return reportText.parse(value);
  if (value === null || typeof value !== 'object') return value;
  if (depth === DEEPEST) return null;
  if (Array.isArray(value)) return value.slice(0, MOST_REPORTED).map((item) => printable(item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([name, of]) => [name, printable(of, depth + 1)]));
}
