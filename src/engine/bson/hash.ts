/** 32-bit FNV-1a. It spreads keys over lanes; nothing relies on it being hard to predict. */
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
