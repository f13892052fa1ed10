import { z } from 'zod';

/** Characters that move a terminal's cursor, colour it, or hide what stands before them; a tab and a line break are text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const UNPRINTABLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Longer than any message of the engine: one quotes at most 200 characters of a key, and a few names of 255 bytes. */
const LONGEST_TEXT = 4_000;
const MOST_REPORTED = 1_000;

/** A text of an agent that people will read: shortened, and without what a terminal would obey. */
export const reportText = z.string().transform((text) => text.replace(UNPRINTABLE, '\ufffd').slice(0, LONGEST_TEXT));

/** The first thousand of what an agent lists: its own report must never be refused because much is going on. */
export function reportList<Item extends z.ZodType>(item: Item) {
  return z.array(item).transform((items) => items.slice(0, MOST_REPORTED));
}

/** A name that is a key elsewhere, so that it is taken as it is or refused: printable ASCII without blanks. */
export const agentName = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'expected 1 to 255 printable ASCII characters without blanks');
