/** FNV-1a with 32 bits: spreads keys over lanes; nothing depends on its being hard to guess. */
export const HASH_SEED = 0x811c9dc5;
const PRIME = 0x01000193;

export function hashByte(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, PRIME);
}

function hashBytes(seed: number, bytes: Uint8Array): number {
  let hash = seed;
  for (const byte of bytes) hash = hashByte(hash, byte);
  return hash;
}

/** @returns an unsigned 32-bit number */
export function hashOfText(text: string): number {
  return hashBytes(HASH_SEED, Buffer.from(text)) >>> 0;
}
