import { randomByte } from '../platform/index.ts';

/** Digits in ASCII order, as in GitHub's tokens. None of them needs escaping anywhere. */
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const BASE = DIGITS.length;

/** Writes a non-negative integer in base 62, left-padded with `0` to `width`. */
export function toBase62(value: number, width: number): string {
  let text = '';
  for (let rest = value; rest > 0; rest = Math.floor(rest / BASE)) text = DIGITS.charAt(rest % BASE) + text;
  return text.padStart(width, '0');
}

/** Writes bytes in base 62. A leading byte 1 keeps leading zeros, so that {@link bytesFromBase62} returns the same bytes. */
export function bytesToBase62(bytes: Uint8Array): string {
  const base = BigInt(BASE);
  let text = '';
  for (let rest = BigInt(`0x01${Buffer.from(bytes).toString('hex')}`); rest > 0n; rest /= base) {
    text = DIGITS.charAt(Number(rest % base)) + text;
  }
  return text;
}

/** The bytes that {@link bytesToBase62} wrote, or null when the text doesn't have that form. */
export function bytesFromBase62(text: string): Buffer | null {
  let value = 0n;
  for (const character of text) {
    const digit = DIGITS.indexOf(character);
    if (digit < 0) return null;
    value = value * BigInt(BASE) + BigInt(digit);
  }
  const hex = value.toString(16);
  return hex.startsWith('1') && hex.length % 2 === 1 ? Buffer.from(hex.slice(1), 'hex') : null;
}

/** `length` random characters, each with all of its 5.95 bits. */
export function randomBase62(length: number): string {
  let text = '';
  // Six bits of a byte select a digit. For the values 62 and 63, charAt returns '' and the loop draws again, so all digits are equally likely.
  while (text.length < length) text += DIGITS.charAt(randomByte() & 63);
  return text;
}
