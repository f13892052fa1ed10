import type { DocumentBatch } from './document-batch.ts';
import { BSON_TYPE, valueLength } from './elements.ts';

const DOLLAR = '$'.charCodeAt(0);

/**
 * Whether a plain insert or replace would change or refuse the document. The server writes its own time into an empty
 * top-level timestamp, and refuses a replacement with a `$`-prefixed field
 * (docs/reference/mongodb-behaviour.md#fact-8-8). Reads element headers only.
 */
export function needsExactWrite(document: Buffer): boolean {
  return isExact(document, 0, document.length);
}

/** Returns the indexes of the documents that need an exact write, in ascending order. */
export function exactWrites({ bytes, ends }: DocumentBatch): number[] {
  const exact: number[] = [];
  let start = 0;
  for (let index = 0; index < ends.length; index += 1) {
    const end = ends[index] ?? 0;
    if (isExact(bytes, start, end)) exact.push(index);
    start = end;
  }
  return exact;
}

function isExact(bytes: Buffer, start: number, end: number): boolean {
  const last = end - 1;
  let offset = start + 4;
  while (offset < last) {
    const type = bytes[offset] ?? 0;
    if (bytes[offset + 1] === DOLLAR) return true;
    // Names are short, so a loop finds their end in less than half of the time of indexOf.
    let valueStart = offset + 2;
    while (valueStart <= last && bytes[valueStart - 1] !== 0) valueStart += 1;
    // rule: exact-write-empty-timestamps
    if (type === BSON_TYPE.timestamp && isZero(bytes, valueStart)) return true;
    offset = valueStart + valueLength(type, bytes, valueStart);
  }
  return false;
}

function isZero(bytes: Buffer, offset: number): boolean {
  return bytes.readUInt32LE(offset) === 0 && bytes.readUInt32LE(offset + 4) === 0;
}
