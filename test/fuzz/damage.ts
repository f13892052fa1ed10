import type { SeededRandom } from '../support/seeded-random.ts';

const MOST_CHANGES = 4;
/** Lengths and counts that break readers. */
const ODD_NUMBERS = [-2_147_483_648, -5, -4, -1, 0, 1, 4, 0x7f, 0xffff, 2_147_483_647];
const ODD_TEXTS = [
  '"',
  '\\',
  ',',
  '=',
  '\t',
  '\0',
  '\r\n',
  '%00',
  '%',
  '@',
  '/',
  '?',
  '&',
  ';',
  '[',
  ']',
  'é',
  '\u{1f512}',
  '..',
  '*',
];

/** Returns a copy with bytes changed, repeated, removed, or replaced by numbers. */
export function damageBytes(random: SeededRandom, bytes: Buffer): Buffer {
  let damaged = Buffer.from(bytes);
  for (let n = random.integer(MOST_CHANGES + 1); n > 0; n -= 1) {
    const at = random.integer(damaged.length + 1);
    const until = Math.min(damaged.length, at + random.integer(16));
    switch (random.integer(5)) {
      case 0:
        damaged[Math.min(at, damaged.length - 1)] = random.integer(256);
        break;
      case 1:
        if (at + 4 <= damaged.length) damaged.writeInt32LE(random.pick(ODD_NUMBERS), at);
        break;
      case 2:
        damaged = Buffer.concat([damaged.subarray(0, at), damaged.subarray(until)]);
        break;
      case 3:
        damaged = Buffer.concat([damaged.subarray(0, until), damaged.subarray(at)]);
        break;
      default:
        damaged = Buffer.concat([damaged.subarray(0, at), random.bytes(random.integer(8)), damaged.subarray(at)]);
    }
    if (damaged.length === 0) break;
  }
  return damaged;
}

/** Returns a copy with parts changed, repeated, removed, or replaced by texts that its reader handles specially. */
export function damageText(random: SeededRandom, text: string, words: readonly string[]): string {
  let damaged = text;
  for (let n = random.integer(MOST_CHANGES + 1); n > 0; n -= 1) {
    const at = random.integer(damaged.length + 1);
    const until = Math.min(damaged.length, at + random.integer(16));
    const put = random.pick([random.pick(words), random.pick(ODD_TEXTS), damaged.slice(at, until)]);
    const rest = random.pick([at, until]);
    damaged = damaged.slice(0, at) + put + damaged.slice(rest);
  }
  return damaged;
}
