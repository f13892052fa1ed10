import { randomBytes } from 'node:crypto';

const OBJECT_ID = /^[0-9a-f]{24}$/;

/** A new identifier in Atlas's form: 24 hexadecimal digits (4 bytes of seconds, 8 random bytes). */
export function newId(nowMs: number = Date.now()): string {
  return (
    Math.floor(nowMs / 1000)
      .toString(16)
      .padStart(8, '0') + randomBytes(8).toString('hex')
  );
}

/** Whether `text` has the form of an Atlas identifier: 24 lower-case hexadecimal digits. */
export function isId(text: string): boolean {
  return OBJECT_ID.test(text);
}
