import { z } from 'zod';

/** Characters that move a terminal's cursor, change its colours, or hide text. Tab and line break are allowed. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern must match control characters.
const UNPRINTABLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Longer than any message of the engine, which quotes at most 200 characters of a key and a few names of 255 bytes. */
const LONGEST_TEXT = 4_000;
/** Positions of change streams are hexadecimal, and as long as the longest key in an event. */
const LONGEST_HEXADECIMAL = 40_000;
const HEXADECIMAL = /^[0-9A-Fa-f]*$/;
const MOST_ITEMS = 1_000;
const MOST_FIELDS = 200;
/** Deeper than any message of an agent. */
const DEEPEST = 12;
/** The most values of a whole message. */
const MOST_VALUES = 100_000;

/**
 * Returns JSON of an agent within the limits of the link, to be validated next: texts without control characters, which users
 * will read, and shortened like lists and objects, so that a busy agent can still report. Values that are nested deeper than
 * any message are null, as are those behind too many values.
 */
export function bounded(value: unknown): unknown {
  let left = MOST_VALUES;
  const take = (one: unknown, depth: number): unknown => {
    if (typeof one === 'string') return boundedText(one);
    if (one === null || typeof one !== 'object') return one;
    // rule: values-of-a-message
    if (depth === DEEPEST || left <= 0) return null;
    if (Array.isArray(one)) {
      const items = one.slice(0, MOST_ITEMS);
      left -= items.length;
      return items.map((item) => take(item, depth + 1));
    }
    const fields = Object.entries(one).slice(0, MOST_FIELDS);
    left -= fields.length;
    return Object.fromEntries(fields.map(([name, of]) => [boundedText(name), take(of, depth + 1)]));
  };
  return take(value, 0);
}

function boundedText(text: string): string {
  if (text.length <= LONGEST_HEXADECIMAL && HEXADECIMAL.test(text)) return text;
  return text.slice(0, LONGEST_TEXT).replace(UNPRINTABLE, '\ufffd');
}

/**
 * Returns the paths of fields that validation left out, the first ten: fields that the schema doesn't have, and values that
 * it doesn't take.
 */
export function leftOut(sent: unknown, taken: unknown): readonly string[] {
  return [...new Set(pathsLeftOut(sent, taken, ''))].slice(0, 10);
}

function* pathsLeftOut(sent: unknown, taken: unknown, path: string): Generator<string> {
  if (sent === null || typeof sent !== 'object') return;
  if (taken === null || typeof taken !== 'object') {
    yield path;
    return;
  }
  for (const [name, value] of Object.entries(sent)) {
    if (value === null) continue;
    // Items of one list lack the same fields.
    const inner = Array.isArray(sent) ? `${path}[]` : path === '' ? name : `${path}.${name}`;
    const kept = (taken as Record<string, unknown>)[name];
    if (kept === undefined) yield inner;
    else yield* pathsLeftOut(value, kept, inner);
  }
}

/** A name of printable ASCII without blanks. Other names are refused, not changed, because names are keys elsewhere. */
export const agentName = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'expected 1 to 255 printable ASCII characters without blanks');
