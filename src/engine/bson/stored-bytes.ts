import type { Binary } from 'mongodb';

/** Returns the bytes that a binary field holds. */
export function bufferOf(binary: Binary): Buffer {
  return Buffer.from(binary.buffer.buffer, binary.buffer.byteOffset, binary.position);
}

/** Returns a copy for what lasts: a part of a reply keeps the whole reply in memory, or the 64 kB that Node.js shares among small ones. */
export function ownBytes(bytes: Uint8Array): Buffer {
  return Buffer.from(new Uint8Array(bytes).buffer);
}
