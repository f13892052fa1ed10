import { BSON_TYPE, valueLength } from './elements.ts';

const EIGHT_ZEROS = Buffer.alloc(8);
const DOLLAR = '$'.charCodeAt(0);

/**
 * Whether a plain insert or replace would change or refuse the document. The server writes its own time into an empty
 * top-level timestamp, and refuses a replacement with a `$`-prefixed field
 * (docs/reference/mongodb-behaviour.md#fact-8-8). Reads element headers only.
 */
export function needsExactWrite(document: Buffer): boolean {
  const end = document.length - 1;
  let offset = 4;
  while (offset < end) {
    const type = document[offset] ?? 0;
    if (document[offset + 1] === DOLLAR) return true;
    // Names are short, so a loop finds their end in less than half of the time of indexOf.
    let valueStart = offset + 2;
    while (valueStart <= end && document[valueStart - 1] !== 0) valueStart += 1;
    if (type === BSON_TYPE.timestamp && document.compare(EIGHT_ZEROS, 0, 8, valueStart, valueStart + 8) === 0)
      return true;
    offset = valueStart + valueLength(type, document, valueStart);
  }
  return false;
}
