import { randomBytes, randomInt } from 'node:crypto';

const OBJECT_ID = /^[0-9a-f]{24}$/;
const COUNTS = 2 ** 24;

/** The part of an ObjectId that tells processes apart. */
const ofProcess = randomBytes(5).toString('hex');
let count = randomInt(COUNTS);

/**
 * A new identifier in Atlas's form: an ObjectId in 24 hexadecimal digits (4 bytes of seconds, 5 random ones of the process, 3 that count up).
 * Records of one commit are neighbours in the store's indexes, which then write a few pages for all instead of one for each.
 */
export function newId(nowMs: number = Date.now()): string {
  count = (count + 1) % COUNTS;
  return hex(Math.floor(nowMs / 1000), 8) + ofProcess + hex(count, 6);
}

/** Whether `text` has the form of an Atlas identifier: 24 lower-case hexadecimal digits. */
export function isId(text: string): boolean {
  return OBJECT_ID.test(text);
}

function hex(value: number, width: number): string {
  return value.toString(16).padStart(width, '0');
}
