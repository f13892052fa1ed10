import { randomFillSync } from 'node:crypto';

const POOL_BYTES = 4096;

const pool = Buffer.alloc(POOL_BYTES);
let used = POOL_BYTES;

/** One random byte, fit for secrets. Drawn many at a time: the generator takes as long for one as for the whole pool. */
export function randomByte(): number {
  if (used === POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  const byte = pool.readUInt8(used);
  // What was given away is not left lying about.
  pool.writeUInt8(0, used);
  used += 1;
  return byte;
}
