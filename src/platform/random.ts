import { randomFillSync } from 'node:crypto';

const POOL_BYTES = 4096;

const pool = Buffer.alloc(POOL_BYTES);
let used = POOL_BYTES;

/** A random byte that is safe for secrets. A pool serves it, because the generator takes as long for one byte as for the whole pool. */
export function randomByte(): number {
  if (used === POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  const byte = pool.readUInt8(used);
  // Erase the byte, because it becomes part of a secret.
  pool.writeUInt8(0, used);
  used += 1;
  return byte;
}
