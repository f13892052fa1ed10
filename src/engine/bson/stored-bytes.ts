import type { Binary } from 'mongodb';

/** Returns the bytes that a binary field holds. */
export function bufferOf(binary: Binary): Buffer {
  return Buffer.from(binary.buffer.buffer, binary.buffer.byteOffset, binary.position);
}
